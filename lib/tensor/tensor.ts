import { inspect } from 'node:util';
import { JepaError } from '../errors.js';
import { type DType, numberFrom, type TypedArray } from './dtype.js';
import type { Node } from './op.js';
import { type Shape, show, sizeOf } from './shape.js';

export type Nested = number | boolean | Nested[];

/** Set by the module that can compile, so that values can be asked for here without importing it. */
type Evaluate = (tensor: Tensor) => Promise<TypedArray>;
let evaluate: Evaluate | undefined;
export function setEvaluate(implementation: Evaluate): void {
  evaluate = implementation;
}

/**
 * A value of a shape and dtype, computed when somebody asks for it. Operations make new tensors and compute nothing;
 * asking evaluates and drops the way the value came about, so random numbers are never drawn twice. `Tensor` alone is one of any
 * dtype; `Tensor<'float32'>` is one whose `data()` is a Float32Array.
 * @example const x = tensor([[1, 2], [3, 4]]).mul(2); console.log(await x.toArray());
 */
export class Tensor<out D extends DType = DType> {
  readonly shape: Shape;
  readonly dtype: D;
  #node: Node | undefined;
  readonly #output: number;
  #host: TypedArray<D> | undefined;
  #pending: Promise<TypedArray<D>> | undefined;
  #disposed = false;

  /** @internal Use `tensor`, `zeros`, `variable` or an op. */
  constructor(shape: Shape, dtype: D, node: Node | undefined, output = 0, host?: TypedArray<D>) {
    this.shape = shape;
    this.dtype = dtype;
    this.#node = node;
    this.#output = output;
    this.#host = host;
  }

  get size(): number {
    return sizeOf(this.shape);
  }

  get rank(): number {
    return this.shape.length;
  }

  /** @internal The application that makes it; none for values and leaves. */
  get node(): Node | undefined {
    return this.#node;
  }

  /** @internal Which output of its node it is. */
  get output(): number {
    return this.#output;
  }

  /** @internal Its values, once it has them. */
  get host(): TypedArray<D> | undefined {
    return this.#host;
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /**
   * The values, row-major: bfloat16 and float16 as bits, bool as 0 and 1. Do not write into them. Send another thread the values
   * themselves or a `slice()`, but do not transfer their buffer: its memory goes to later results when nobody holds it.
   */
  async data(): Promise<TypedArray<D>> {
    this.checkUsable();
    if (this.#host) return this.#host;
    if (!evaluate)
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        '[tensor] expected the compiler to be loaded: import from the package, not from a file of it',
      );
    this.#pending ??= evaluate(this) as Promise<TypedArray<D>>;
    try {
      const host = await this.#pending;
      if (!this.#disposed) this.#host = host;
      this.#node = undefined;
      return host;
    } finally {
      this.#pending = undefined; // a failure, as for want of memory, may not come again
    }
  }

  /** The only value as a number. @throws JepaError ERR_JEPA_SHAPE if there are others */
  async item(): Promise<number> {
    if (this.size !== 1)
      throw new JepaError('ERR_JEPA_SHAPE', `[item] expected a tensor of one element, got ${show(this.shape)}`);
    return numberFrom(this.dtype, (await this.data())[0]);
  }

  /** The values as nested arrays of numbers (booleans for bool). */
  async toArray(): Promise<Nested> {
    return nested(await this.data(), this.dtype, this.shape);
  }

  /** Drops the values; using the tensor afterwards throws. */
  dispose(): void {
    this.#disposed = true;
    this.#host = undefined;
    this.#node = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @throws JepaError ERR_JEPA_DISPOSED */
  checkUsable(): void {
    if (this.#disposed)
      throw new JepaError(
        'ERR_JEPA_DISPOSED',
        `[tensor] expected a tensor in use, got a disposed one of shape ${show(this.shape)}`,
      );
  }

  toString(): string {
    const head = `Tensor(${this.dtype} ${show(this.shape)}`;
    if (this.#disposed) return `${head}, disposed)`;
    if (!this.#host) return `${head}, ${this.#node?.op.name ?? 'input'})`;
    return `${head}) ${preview(this.#host, this.dtype, this.shape)}`;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

function nested(data: TypedArray, dtype: DType, shape: Shape, axis = 0, offset = 0): Nested {
  if (axis === shape.length) {
    const value = numberFrom(dtype, data[offset]);
    return dtype === 'bool' ? value !== 0 : value;
  }
  const step = sizeOf(shape.slice(axis + 1));
  return Array.from({ length: shape[axis] }, (_, i) => nested(data, dtype, shape, axis + 1, offset + i * step));
}

const edge = 3;

function preview(data: TypedArray, dtype: DType, shape: Shape, axis = 0, offset = 0): string {
  if (axis === shape.length) {
    const value = numberFrom(dtype, data[offset]);
    if (dtype === 'bool') return String(value !== 0);
    return String(Number.isInteger(value) ? value : Number(value.toPrecision(5)));
  }
  const step = sizeOf(shape.slice(axis + 1));
  const shown = Array.from({ length: shape[axis] }, (_, i) => i).filter((i) => i < edge || i >= shape[axis] - edge);
  const parts = shown.map(
    (i, k) =>
      `${k > 0 && shown[k - 1] !== i - 1 ? '…, ' : ''}${preview(data, dtype, shape, axis + 1, offset + i * step)}`,
  );
  return `[${parts.join(axis === shape.length - 1 ? ', ' : `,\n${' '.repeat(axis + 1)}`)}]`;
}
