import { JepaError } from '../errors.js';
import type { Addon, VariableHandle } from '../native/binding.js';
import { loadAddon } from '../native/load.js';
import { nativeError } from '../native/status.js';
import { checkDType, type DType, dtypeCode, newArray, type TypedArray } from './dtype.js';
import { type DTypeOf, type HostValues, hostValues } from './host-values.js';
import { checkShape, type Shape, show } from './shape.js';
import { Tensor } from './tensor.js';

export interface VariableOptions<D extends DType = DType> {
  /** Name in state dictionaries and messages. */
  readonly name?: string;
  readonly dtype?: D;
  /** Whether optimisers may change it (default true); running statistics and counters are not trainable. */
  readonly trainable?: boolean;
}

/**
 * A tensor that lives on the device between programs. Compiled functions read it as of their start and change it only by
 * {@link assign}; from outside it is read and written whole.
 * @example
 * const running = variable(Float32Array.of(0, 0), { name: 'running', trainable: false });
 * await running.write(Float32Array.of(1, 2));
 * await running.toArray(); // [1, 2]
 */
export class Variable<out D extends DType = DType> extends Tensor<D> {
  name: string;
  trainable: boolean;
  #version = 0;
  #handle: VariableHandle | undefined;
  #initial: TypedArray<D> | undefined;

  constructor(
    shape: Shape,
    data: HostValues,
    { name = '', dtype = 'float32' as D, trainable = true }: VariableOptions<D> = {},
  ) {
    checkShape('variable', shape);
    checkDType('variable', dtype);
    super([...shape], dtype, undefined);
    this.name = name;
    this.trainable = trainable;
    this.#initial = this.#accepted(data, `for shape ${show(shape)}`);
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
      const initial = this.#initial as TypedArray<D>;
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

  /** @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_DTYPE if they are not as many values of its dtype */
  #accepted(values: HostValues, what: string): TypedArray<D> {
    const { data } = hostValues('variable', values, this.dtype);
    if (data.length !== this.size)
      throw new JepaError(
        'ERR_JEPA_SHAPE',
        `[variable] expected ${this.size} values of ${this.dtype} ${what}, got ${data.length} in a ${values.constructor.name}`,
      );
    return data as TypedArray<D>;
  }

  /** Replaces all values. @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_DTYPE */
  async write(data: HostValues): Promise<void> {
    this.checkUsable();
    const values = this.#accepted(data, `for '${this.name}' ${show(this.shape)}`);
    this.bump();
    const addon = loadAddon();
    await addon.writeVariable(this.handle(addon), values).catch((error) => {
      throw nativeError(error);
    });
  }

  /** The values after everything that was started before. */
  async read(): Promise<TypedArray<D>> {
    this.checkUsable();
    if (this.#initial) return this.#initial.slice() as TypedArray<D>;
    const addon = loadAddon();
    const data = newArray(this.dtype, this.size);
    await addon.readVariable(this.handle(addon), data).catch((error) => {
      throw nativeError(error);
    });
    return data;
  }

  override async data(): Promise<TypedArray<D>> {
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
 * @example await variable(tensor([[1, 2]]), { name: 'weight' }).toArray(); // [[1, 2]]
 */
export function variable<D extends DType>(
  initial: Tensor<D>,
  options?: VariableOptions<D> & { readonly shape?: Shape },
): Variable<D>;
export function variable<V extends HostValues, D extends DType = DTypeOf<V>>(
  initial: V,
  options?: VariableOptions<D> & { readonly shape?: Shape },
): Variable<D>;
export function variable(
  initial: Tensor | HostValues,
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
  const { dtype, data } = hostValues('variable', initial, options.dtype);
  return new Variable(options.shape ?? [data.length], data, { ...options, dtype });
}
