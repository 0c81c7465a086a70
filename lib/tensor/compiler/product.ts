import type { NativeNode } from './ir.js';

/** Places of the attributes of a product, four bytes each, as native/ops/matmul/matmul.h has them. */
const places = { flags: 0, activation: 12 } as const;

/** Bits of its flags: the right operand is packed; operands are rounded to bfloat16. */
export const isPacked = 1;
export const isRounded = 2;

export function flagsOf({ attributes }: NativeNode): number {
  return new DataView(attributes.buffer, attributes.byteOffset).getUint32(places.flags, true);
}

/** Changes one attribute of a product; attributes may be shared, so they are copied. */
export function setAttribute(product: NativeNode, name: keyof typeof places, value: number): void {
  product.attributes = product.attributes.slice();
  new DataView(product.attributes.buffer).setUint32(places[name], value, true);
}
