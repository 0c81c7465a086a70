import { JepaError } from '../errors.js';
import type { Addon, VariableHandle } from '../native/binding.js';
import { loadAddon } from '../native/load.js';
import { nativeError } from '../native/status.js';
import { checkDType, type DType, dtypeCode, dtypeOf, fits, newArray, type TypedArray } from './dtype.js';
import { checkShape, type Shape, show } from './shape.js';
import { Tensor } from './tensor.js';

export interface VariableOptions {
  /** Name in state dictionaries and messages. */
  readonly name?: string;
  readonly dtype?: DType;
  /** Whether optimisers may change it (default true); running statistics and counters are not trainable. */
  readonly trainable?: boolean;
}

/**
 * A tensor that lives on the device between programs. Compiled functions read it as of their start and change it only by
 * {@link assign}; from outside it is read and written whole.
 */
export class Variable extends Tensor {
  name: string;
  trainable: boolean;
  #version = 0;
  #handle: VariableHandle | undefined;
  #initial: TypedArray | undefined;

  constructor(
    shape: Shape,
    data: TypedArray,
    { name = '', dtype = 'float32', trainable = true }: VariableOptions = {},
  ) {
    checkShape('variable', shape);
    checkDType('variable', dtype);
    super([...shape], dtype, undefined);
    if (!fits(dtype, data) || data.length !== this.size) {
      throw new JepaError(
        fits(dtype, data) ? 'ERR_JEPA_SHAPE' : 'ERR_JEPA_DTYPE',
        `[variable] expected ${this.size} values of ${dtype} for shape ${show(shape)}, got ${data.length} in a ${data.constructor.name}`,
      );
    }
    this.name = name;
    this.trainable = trainable;
    this.#initial = data;
  }

  /** How often it has been written to or assigned. */
  get version(): number {
    return this.#version;
  }

  /** @internal Its storage, made at first use. */
  handle(addon: Addon = loadAddon()): VariableHandle {
    this.checkUsable();
    if (!this.#handle) {
      try {
        this.#handle = addon.createVariable(dtypeCode(this.dtype), this.size);
      } catch (error) {
        throw nativeError(error);
      }
      const initial = this.#initial as TypedArray;
      this.#initial = undefined;
      // Ordered before every later program; it can only fail if the addon is torn down, and then those fail too.
      addon.writeVariable(this.#handle, initial).catch(() => {});
    }
    return this.#handle;
  }

  /** @internal */
  bump(): void {
    this.#version++;
  }

  /** Replaces all values. @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_DTYPE */
  async write(data: TypedArray): Promise<void> {
    this.checkUsable();
    if (!fits(this.dtype, data) || data.length !== this.size) {
      throw new JepaError(
        fits(this.dtype, data) ? 'ERR_JEPA_SHAPE' : 'ERR_JEPA_DTYPE',
        `[variable] expected ${this.size} values of ${this.dtype} for '${this.name}' ${show(this.shape)}, got ${data.length} in a ${data.constructor.name}`,
      );
    }
    this.bump();
    const addon = loadAddon();
    await addon.writeVariable(this.handle(addon), data).catch((error) => {
      throw nativeError(error);
    });
  }

  /** The values after everything that was started before. */
  async read(): Promise<TypedArray> {
    this.checkUsable();
    if (this.#initial) return this.#initial.slice();
    const addon = loadAddon();
    const data = newArray(this.dtype, this.size);
    await addon.readVariable(this.handle(addon), data).catch((error) => {
      throw nativeError(error);
    });
    return data;
  }

  override async data(): Promise<TypedArray> {
    return this.read();
  }

  override dispose(): void {
    if (this.#handle) loadAddon().disposeVariable(this.#handle);
    this.#handle = undefined;
    this.#initial = undefined;
    super.dispose();
  }

  override toString(): string {
    return `Variable(${this.name ? `'${this.name}' ` : ''}${this.dtype} ${show(this.shape)}${this.disposed ? ', disposed' : ''})`;
  }
}

/**
 * Makes a variable from values on the host.
 * @example const weight = variable(tensor([[1, 2]]), { name: 'weight' });
 */
export function variable(
  initial: Tensor | TypedArray,
  options: VariableOptions & { readonly shape?: Shape } = {},
): Variable {
  if (initial instanceof Tensor) {
    if (!initial.host)
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        '[variable] expected a tensor that has its values, got one still to be computed: await its data() first',
      );
    return new Variable(options.shape ?? initial.shape, initial.host, {
      ...options,
      dtype: options.dtype ?? initial.dtype,
    });
  }
  return new Variable(options.shape ?? [initial.length], initial, {
    ...options,
    dtype: options.dtype ?? dtypeOf(initial),
  });
}
