import type { IrNode, NativeNode } from './ir.js';

/** Where products keep their activation, by name; native/ops/<name>/<name>.h has the attributes, four bytes each. */
const activationOf = new Map([
  ['matmul', 12],
  ['linear_int8', 4],
]);
/** Where they keep flags; so does layer_norm_gradient, with the same bit for a residual. */
const flags = 0;
/**
 * Bits of them, beside isRounded: the right operand is packed; the last operand is added to the result, or the
 * slope of the activation at it multiplies the sums; the result is read late.
 */
const isPacked = 1;
const addsResidual = 4;
const multipliesSlope = 8;
const isLate = 16;
/** Bits that say which operand is a picture, whose windows are the operand's rows; their attributes follow the product's own. */
const windows = { left: 32, right: 64 };

/** Whether a node can apply an activation to its sums. */
export function isProduct(node: IrNode): node is NativeNode {
  return node.kind === 'native' && activationOf.has(node.name);
}

/** A product of floats, which can also multiply by a slope and keep its sums, as training needs. */
export function isMatmul({ name }: NativeNode): boolean {
  return name === 'matmul';
}

export function setActivation(product: NativeNode, activation: number): void {
  setAttribute(product, activationOf.get(product.name) as number, activation);
}

export function flagsOf({ attributes }: NativeNode): number {
  return new DataView(attributes.buffer, attributes.byteOffset).getUint32(flags, true);
}

export function setPacked(product: NativeNode): void {
  addFlag(product, isPacked);
}

export function setResidual(node: NativeNode): void {
  addFlag(node, addsResidual);
}

export function setSlope(product: NativeNode): void {
  addFlag(product, multipliesSlope);
}

export function setLate(product: NativeNode): void {
  addFlag(product, isLate);
}

/** @param attributes those of im2col */
export function setWindows(product: NativeNode, operand: keyof typeof windows, attributes: Uint8Array): void {
  addFlag(product, windows[operand]);
  product.attributes = Uint8Array.from([...product.attributes, ...attributes]);
}

export function hasWindows(product: NativeNode): boolean {
  return (flagsOf(product) & (windows.left | windows.right)) !== 0;
}

/** Whether the rows of the left operand are read in the order in which they lie. */
export function readsRows(product: NativeNode): boolean {
  return (flagsOf(product) & windows.left) !== 0 || product.inputs[0].strides[1] === 1;
}

function addFlag(node: NativeNode, flag: number): void {
  setAttribute(node, flags, flagsOf(node) | flag);
}

/** Attributes may be shared, so they are copied. */
function setAttribute(node: NativeNode, place: number, value: number): void {
  node.attributes = node.attributes.slice();
  new DataView(node.attributes.buffer).setUint32(place, value, true);
}
