// Plain float64 arrays for reference computations: loops that can be read, nothing of the library's.

export interface Array64 {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}

/** The array with value(index) at every index; the index array is reused from call to call. */
export function build(shape: readonly number[], value: (index: readonly number[]) => number): Array64 {
  const data = new Float64Array(sizeOf(shape));
  const index = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < data.length; i++) {
    data[i] = value(index);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
  return { shape, data };
}

/** The element at an index of a shape that x broadcasts to: axes align at the end, extent 1 repeats. */
export function at(x: Array64, index: readonly number[]): number {
  const lead = index.length - x.shape.length;
  let offset = 0;
  for (let axis = 0; axis < x.shape.length; axis++)
    offset = offset * x.shape[axis] + (x.shape[axis] === 1 ? 0 : index[lead + axis]);
  return x.data[offset];
}

/** fn over broadcast operands. */
export function map(fn: (...values: number[]) => number, ...operands: readonly Array64[]): Array64 {
  const rank = Math.max(...operands.map(({ shape }) => shape.length));
  const shape = Array.from({ length: rank }, (_, axis) => {
    const extents = operands.map((operand) => operand.shape[axis - rank + operand.shape.length] ?? 1);
    return extents.find((extent) => extent !== 1) ?? 1;
  });
  if (operands.length === 1) return { shape, data: operands[0].data.map((value) => fn(value)) };
  if (operands.every(({ data }) => data.length === operands[0].data.length))
    return { shape, data: operands[0].data.map((_, i) => fn(...operands.map(({ data }) => data[i]))) };
  const values = new Array<number>(operands.length);
  return build(shape, (index) => {
    for (let k = 0; k < operands.length; k++) values[k] = at(operands[k], index);
    return fn(...values);
  });
}

/** fn of all values along the axes, in row-major order. */
export function fold(
  x: Array64,
  axes: readonly number[],
  fn: (values: readonly number[]) => number,
  keepDims = false,
): Array64 {
  const over = axes.map((axis) => (axis < 0 ? axis + x.shape.length : axis));
  const kept = x.shape.map((extent, axis) => (over.includes(axis) ? 1 : extent));
  const groups: number[][] = Array.from({ length: sizeOf(kept) }, () => []);
  const slot = build(kept, () => 0);
  slot.data.forEach((_, i) => {
    slot.data[i] = i;
  });
  build(x.shape, (index) => {
    groups[at(slot, index)].push(at(x, index));
    return 0;
  });
  const data = Float64Array.from(groups, (values) => fn(values));
  return { shape: keepDims ? kept : x.shape.filter((_, axis) => !over.includes(axis)), data };
}

export function reshaped({ data }: Array64, shape: readonly number[]): Array64 {
  return { shape, data };
}

/** Axis i of the result is axis order[i] of x. */
export function permuted(x: Array64, order: readonly number[]): Array64 {
  return build(
    order.map((axis) => x.shape[axis]),
    (index) =>
      at(
        x,
        order.map((_, axis) => index[order.indexOf(axis)]),
      ),
  );
}

export const total = (values: Iterable<number>): number => {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
};

/** Products of the last two axes; leading axes broadcast. */
export function product(a: Array64, b: Array64): Array64 {
  const [m, k] = a.shape.slice(-2);
  const n = b.shape[b.shape.length - 1];
  const batch = map(() => 0, shapeOnly(a.shape.slice(0, -2)), shapeOnly(b.shape.slice(0, -2))).shape;
  const data = new Float64Array(sizeOf(batch) * m * n);
  let to = 0;
  build(batch, (index) => {
    const left = block(a, index);
    const right = block(b, index);
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++) sum += left[i * k + l] * right[l * n + j];
        data[to++] = sum;
      }
    return 0;
  });
  return { shape: [...batch, m, n], data };
}

function shapeOnly(shape: readonly number[]): Array64 {
  return { shape, data: new Float64Array(sizeOf(shape)) };
}

function block(x: Array64, batch: readonly number[]): Float64Array {
  const lead = x.shape.slice(0, -2);
  const size = sizeOf(x.shape.slice(-2));
  let number = 0;
  for (let axis = 0; axis < lead.length; axis++)
    number = number * lead[axis] + (lead[axis] === 1 ? 0 : batch[batch.length - lead.length + axis]);
  return x.data.subarray(number * size, (number + 1) * size);
}

/** The nearest bfloat16 of a float32, ties to even. */
export function bfloat16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0] = (bits[0] + 0x7fff + ((bits[0] >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(bits.buffer)[0];
}
