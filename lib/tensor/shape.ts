import { opError } from './site.js';

export type Shape = readonly number[];

export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const extent of shape) size *= extent;
  return size;
}

/** Strides, in elements, of a dense row-major tensor. */
export function denseStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((extent, axis) => extent === b[axis]);
}

export function show(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** The common shape of operands, as NumPy broadcasts them. @throws JepaError ERR_JEPA_SHAPE naming the op and all shapes */
export function broadcastShapes(op: string, ...shapes: Shape[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    for (let axis = 0; axis < shape.length; axis++) {
      const at = rank - shape.length + axis;
      if (shape[axis] === 1 || shape[axis] === result[at]) continue;
      if (result[at] !== 1)
        throw opError(
          'ERR_JEPA_SHAPE',
          `[${op}] expected shapes that broadcast to one another, got ${shapes.map(show).join(' and ')}`,
        );
      result[at] = shape[axis];
    }
  }
  return result;
}

/** @returns the axis counted from the front. @throws JepaError ERR_JEPA_SHAPE */
export function normaliseAxis(op: string, axis: number, shape: Shape): number {
  const result = axis < 0 ? axis + shape.length : axis;
  if (!Number.isInteger(axis) || result < 0 || result >= shape.length) {
    throw opError(
      'ERR_JEPA_SHAPE',
      `[${op}] expected an axis of ${show(shape)}, from ${-shape.length} to ${shape.length - 1}, got ${axis}`,
    );
  }
  return result;
}

/** @throws JepaError ERR_JEPA_SHAPE if an extent is not a non-negative integer */
export function checkShape(op: string, shape: Shape): void {
  if (shape.length > 8) throw opError('ERR_JEPA_SHAPE', `[${op}] expected at most 8 axes, got ${show(shape)}`);
  for (const extent of shape) {
    if (!Number.isInteger(extent) || extent < 0)
      throw opError('ERR_JEPA_SHAPE', `[${op}] expected non-negative integers as extents, got ${show(shape)}`);
  }
}
