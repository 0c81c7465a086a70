import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import type { HostTensor } from '../io/safetensors.js';
import { latest } from '../nn/latest.js';
import type { Module } from '../nn/module.js';
import { readState, writeState } from '../nn/state-dict.js';
import { add, less, mul, sub, where } from '../ops/index.js';
import { assign, compile, type Tensor, type TensorLike, type Variable, variable } from '../tensor/index.js';

export interface EmaOptions {
  /** A module of the same structure to hold the averages, such as a target encoder; it is frozen. Without one they are kept apart. */
  readonly target?: Module;
  /** What happens to running statistics and other buffers: 'copy' (default) the latest, 'average' them too, or 'ignore' them. */
  readonly buffers?: 'copy' | 'average' | 'ignore';
}

/**
 * Exponential moving average of a module's parameters: average ← m·average + (1 − m)·parameter, starting from the parameters as
 * they are when it is made.
 * @example
 * const [encoder, target] = [new Linear(8, 4, { seed: 0 }), new Linear(8, 4, { seed: 0 })];
 * const [optimiser, ema] = [adamW(encoder.parameters()), new Ema(encoder, { target })];
 * const step = compile((x: Tensor, learningRate: Tensor, momentum: Tensor) => {
 *   const expected = stopGradient(target.forward(x));
 *   const { value: loss, gradients } = valueAndGrad(() => mse(encoder.forward(x), expected), encoder.parameters());
 *   optimiser.update(gradients, { learningRate });
 *   ema.update({ momentum }); // sees the new parameters
 *   return { loss };
 * });
 * const { loss } = await step(ones([2, 8]), scalar(1e-3), scalar(0.996));
 */
export class Ema {
  readonly #source: Module;
  readonly #averages = new Map<string, Variable>();
  readonly #owned: boolean;
  readonly #copied: ReadonlySet<string>;
  #ready: Promise<unknown>;

  /** @throws JepaError ERR_JEPA_CHECKPOINT_MISMATCH if the target is another kind of module */
  constructor(source: Module, options: EmaOptions = {}) {
    checkOptions('Ema', options, ['target', 'buffers']);
    const { target, buffers = 'copy' } = options;
    this.#source = source;
    this.#owned = target === undefined;
    const kept = target ? variablesOf(target.freeze()) : undefined;
    for (const [name, original] of variablesOf(source)) {
      if (buffers === 'ignore' && source.buffers().has(name)) continue;
      const average = kept ? kept.get(name) : zerosLike(name, original);
      if (!average || average.dtype !== original.dtype || average.shape.join() !== original.shape.join()) {
        throw new JepaError(
          'ERR_JEPA_CHECKPOINT_MISMATCH',
          `[Ema] expected a target with '${name}' of shape [${original.shape.join(', ')}], got ${average ? `[${average.shape.join(', ')}]` : 'none'}`,
        );
      }
      this.#averages.set(name, average);
    }
    const integers = [...source.buffers()].filter(([, variable]) => variable.dtype !== 'float32').map(([name]) => name);
    this.#copied = new Set(buffers === 'copy' ? source.buffers().keys() : integers);
    this.#ready = Promise.resolve();
    this.reset().catch(() => {}); // reported by whoever awaits `#ready`
  }

  /** Makes the averages equal to the parameters; needed after the module was loaded from a file. Later programs see the result. */
  async reset(): Promise<void> {
    const copy = compile(
      () => {
        for (const [average, original] of this.#pairs()) assign(average, original);
      },
      { name: 'ema reset' },
    );
    this.#ready = copy().finally(() => copy.dispose());
    await this.#ready;
  }

  /** Moves the averages towards the parameters, as they are after this program's updates so far. Inside `compile`. */
  update({ momentum }: { readonly momentum: TensorLike }): void {
    for (const [average, original, name] of this.#pairs()) {
      assign(average, this.#copied.has(name) ? latest(original) : lerp(latest(original), latest(average), momentum));
    }
  }

  /** Writes the averages into the module that they are of; buffers that are ignored stay. Inside `compile`. */
  assignToSource(): void {
    for (const [average, original] of this.#pairs()) assign(original, latest(average));
  }

  /** The averages by the names of the parameters. */
  variables(): ReadonlyMap<string, Variable> {
    return this.#averages;
  }

  /** Writes the averages into a module of the same structure, such as the one that was averaged. */
  async copyTo(module: Module): Promise<void> {
    await module.loadStateDict(await this.stateDict(), { strict: this.#averages.size === variablesOf(module).size });
  }

  async stateDict(): Promise<Map<string, HostTensor>> {
    await this.#ready;
    return readState(this.#averages);
  }

  /** @throws JepaError ERR_JEPA_CHECKPOINT_MISMATCH */
  async loadStateDict(state: ReadonlyMap<string, HostTensor>): Promise<void> {
    await this.#ready;
    await writeState('Ema', this.#averages, state);
  }

  /** Frees the averages, unless they are a target module's. */
  dispose(): void {
    if (this.#owned) for (const average of this.#averages.values()) average.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #pairs(): [Variable, Variable, string][] {
    const originals = variablesOf(this.#source);
    return [...this.#averages].map(([name, average]) => [average, originals.get(name) as Variable, name]);
  }
}

/** m·b + (1 − m)·a, from whichever end is nearer: m = 1 leaves b bit for bit and m = 0 gives a. */
function lerp(a: Tensor, b: Tensor, momentum: TensorLike): Tensor {
  const difference = sub(a, b);
  const fromEnd = sub(a, mul(difference, momentum));
  const fromStart = add(b, mul(difference, typeof momentum === 'number' ? 1 - momentum : sub(1, momentum)));
  if (typeof momentum === 'number') return momentum < 0.5 ? fromEnd : fromStart;
  return where(less(momentum, 0.5), fromEnd, fromStart);
}

function variablesOf(module: Module): Map<string, Variable> {
  return new Map([...module.namedParameters(), ...module.buffers()]);
}

function zerosLike(name: string, { shape, dtype, size }: Variable): Variable {
  return variable(dtype === 'int32' ? new Int32Array(size) : new Float32Array(size), {
    name: `ema.${name}`,
    shape,
    dtype,
    trainable: false,
  });
}
