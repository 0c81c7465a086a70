import type { Part, Placement, TensorSpec } from '../op.js';
import { denseStrides, sizeOf } from '../shape.js';
import type { Buffer, Graph, Value } from './ir.js';

/** Outputs at their places in buffers that some of them share. */
export function placed(graph: Graph, outputs: readonly TensorSpec[], places: readonly Placement[]): Value[] {
  const sizes = new Map<number, number>();
  for (const [index, { buffer }] of places.entries())
    sizes.set(buffer, (sizes.get(buffer) ?? 0) + sizeOf(outputs[index].shape));
  const buffers = new Map<number, Buffer>();
  return places.map(({ buffer, at }, index) => {
    const { dtype } = outputs[index];
    const shared = buffers.get(buffer) ?? graph.buffer(dtype, sizes.get(buffer) as number);
    buffers.set(buffer, shared);
    return { buffer: shared, dtype, ...at };
  });
}

/**
 * What parts make up where they lie, if that is a view: the gradients of the slices of one tensor, written into one buffer, are
 * its gradient as they are. Parts differ in their place along one axis, and lie in one buffer as far apart as the places say.
 */
export function sideBySide(parts: readonly Part[], inputs: readonly Value[], output: TensorSpec): Value | undefined {
  const pieces: { readonly value: Value; readonly place: readonly number[] }[] = [];
  const dense = denseStrides(output.shape);
  for (const { input, at } of parts) {
    if (sizeOf(at.shape) === 0) continue;
    if (input === undefined || inputs[input].constant !== undefined) return undefined;
    const place = dense.map((stride, axis) => Math.floor(at.offset / stride) % output.shape[axis]);
    pieces.push({ value: inputs[input], place });
  }
  if (pieces.length < 2) return undefined;
  const [first, second] = pieces;
  const axis = second.place.findIndex((at, k) => at !== first.place[k]);
  if (axis < 0 || first.place.some((at) => at !== 0)) return undefined;
  const step = (second.value.offset - first.value.offset) / second.place[axis];
  if (!Number.isInteger(step) || step <= 0) return undefined;
  const strides = output.shape.map((_, k) => (k === axis ? step : first.value.strides[k]));
  for (const { value, place } of pieces) {
    const offset = place.reduce((sum, at, k) => sum + at * strides[k], first.value.offset);
    if (value.buffer !== first.value.buffer || value.offset !== offset) return undefined;
    if (value.shape.some((extent, k) => extent > 1 && value.strides[k] !== strides[k])) return undefined;
  }
  return { buffer: first.value.buffer, dtype: output.dtype, shape: output.shape, strides, offset: first.value.offset };
}
