import type { NativeNode } from './ir.js';

/** Places of the attributes of a product, four bytes each, as native/ops/matmul/matmul.h has them. */
const places = { packed: 0, activation: 12 } as const;

/** Changes one attribute of a product; attributes may be shared, so they are copied. */
export function setAttribute(product: NativeNode, name: keyof typeof places, value: number): void {
  product.attributes = product.attributes.slice();
  new DataView(product.attributes.buffer).setUint32(places[name], value, true);
}
