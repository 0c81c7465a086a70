import { JepaError, shown } from '../errors.js';
import { checkOptions, withDefaults } from '../io/options.js';
import type { HostTensor } from '../io/safetensors.js';
import { Module } from '../nn/module.js';
import { joinStateDicts, splitStateDict } from '../nn/state-dict.js';
import { adamW } from '../optim/adamw.js';
import { compile, type Precision, scalar, Tensor, valueAndGrad } from '../tensor/index.js';
import { flatten } from '../tensor/tree.js';
import type { Metrics } from './events.js';
import { peakedRate } from './peaked-rate.js';
import type { Trainable } from './trainable.js';

export interface ModuleTrainingOptions {
  /** Peak learning rate of AdamW (default 1e-3). */
  readonly learningRate?: number;
  /** Steps of linear warm-up (default 50, at most a quarter of all), then a cosine down to `finalFraction` (default .03) of the peak. */
  readonly warmupSteps?: number;
  readonly finalFraction?: number;
  /** Default .01, as of {@link adamW}. */
  readonly weightDecay?: number;
  /** Largest global gradient norm (default 1). */
  readonly clipNorm?: number;
  /** What matrix products are computed in, as of `compile` (default 'float32'). */
  readonly precision?: Precision;
  /** Of the compiled step, in errors and profiles (default the module's class, and 'step'). */
  readonly name?: string;
}

const defaults = { learningRate: 1e-3, warmupSteps: 50, finalFraction: 0.03, weightDecay: 0.01, clipNorm: 1 };

/** What a loss may return: the loss, or it beside other numbers to be reported. */
export type Losses = Tensor | (Readonly<Record<string, Tensor>> & { readonly loss: Tensor });

/**
 * Trains any module by a loss of your own: AdamW with clipping, a warm-up and a cosine, in one compiled step. A {@link Trainer} makes a run of
 * it, with events, checkpoints and exact resume; where other optimisers or averages are wanted, write a {@link Trainable}.
 * Batches are tensors in arrays and plain objects, as of `compile`. The module is in training mode; `eval()` it to use it.
 * @example
 * const net = new MLP(2, 16, 1, { seed: 0 });
 * const loss = ({ x, y }: { x: Tensor; y: Tensor }) => mse(net.forward(x), y);
 * const trainer = new Trainer(new ModuleTraining(net, loss), { steps: 100 });
 * for await (const event of trainer.run(fromIndex(() => ({ x: ones([4, 2]), y: zeros([4, 1]) }))))
 *   if (event.type === 'step') console.error(event.metrics.loss);
 */
export class ModuleTraining<Batch> implements Trainable<Batch> {
  readonly module: Module;
  readonly description: Readonly<Record<string, unknown>>;
  readonly #options: typeof defaults;
  readonly #optimiser: ReturnType<typeof adamW>;
  readonly #step;

  /** @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT */
  constructor(module: Module, loss: (batch: Batch) => Losses, options: ModuleTrainingOptions = {}) {
    checkOptions('ModuleTraining', options, [...Object.keys(defaults), 'precision', 'name']);
    if (!(module instanceof Module) || typeof loss !== 'function')
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[ModuleTraining] expected a Module and a function from a batch to its loss, got ${typeof module} and ${typeof loss}`,
      );
    const { precision, name = `${module.constructor.name} step`, ...given } = options;
    this.module = module;
    this.#options = withDefaults(defaults, given);
    for (const [key, value] of Object.entries(this.#options))
      if (!(Number.isFinite(value) && value >= 0))
        throw new JepaError(
          'ERR_JEPA_INVALID_ARGUMENT',
          `[ModuleTraining] expected ${key} to be a number, 0 or more, got ${shown(value)}`,
        );
    this.description = { kind: 'module', training: { ...this.#options, ...(precision ? { precision } : {}) } };
    module.train();
    const { weightDecay, clipNorm } = this.#options;
    this.#optimiser = adamW(module.parameters(), { weightDecay, clipNorm });
    this.#step = compile(
      (batch: Batch, learningRate: Tensor) => {
        const { value, gradients } = valueAndGrad(() => {
          const found = loss(batch);
          return found instanceof Tensor ? { loss: found } : found;
        }, module.parameters());
        return { ...value, ...this.#optimiser.update(gradients, { learningRate }) };
      },
      { name, precision },
    );
  }

  /** One update. @returns the learning rate, what the loss returned, and the norm of its gradient before clipping, `gradNorm` */
  async step(
    batch: Batch,
    step: number,
    { steps, signal }: { readonly steps: number; readonly signal?: AbortSignal },
  ): Promise<Metrics> {
    expectTensors(batch);
    const learningRate = peakedRate(this.#options, steps)(step);
    const outputs = await this.#step.call({ signal }, batch, scalar(learningRate));
    const metrics: Record<string, number> = { learningRate };
    for (const [name, value] of Object.entries(outputs)) metrics[name] = await value.item();
    return metrics;
  }

  /** Rows of the batch's first tensor. */
  samples(batch: Batch): number {
    return flatten('ModuleTraining', batch).leaves[0]?.shape[0] ?? 1;
  }

  async stateDict(): Promise<Map<string, HostTensor>> {
    return joinStateDicts({ module: await this.module.stateDict(), optimiser: await this.#optimiser.stateDict() });
  }

  /** @throws JepaError ERR_JEPA_CHECKPOINT_MISMATCH */
  async loadStateDict(state: ReadonlyMap<string, HostTensor>): Promise<void> {
    const { module, optimiser } = splitStateDict(state, ['module', 'optimiser']);
    await this.module.loadStateDict(module);
    await this.#optimiser.loadStateDict(optimiser);
  }

  /** Drops its program and the optimiser's state; the module stays. Training on throws ERR_JEPA_DISPOSED. */
  dispose(): void {
    this.#step.dispose();
    this.#optimiser.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Numbers in a batch are part of the program's signature; those in lists of lists, or without any tensor, were meant as values. */
function expectTensors(batch: unknown): void {
  const lists = nestedLists(batch, 'the batch');
  if (lists === undefined && flatten('ModuleTraining', batch).leaves.length > 0) return;
  throw new JepaError(
    'ERR_JEPA_INVALID_ARGUMENT',
    `[ModuleTraining] expected a batch of tensors, in arrays and plain objects, got ${lists === undefined ? 'one without any' : `arrays of numbers in ${lists}`}`,
    { help: ['make tensors of numbers: tensor([[1, 2], [3, 4]])'] },
  );
}

/** Where in a batch there is a list of lists of numbers. */
function nestedLists(value: unknown, where: string): string | undefined {
  if (value instanceof Tensor || typeof value !== 'object' || value === null || ArrayBuffer.isView(value))
    return undefined;
  if (Array.isArray(value) && value.some((row) => Array.isArray(row) && row.some((entry) => typeof entry === 'number')))
    return where;
  for (const [key, entry] of Object.entries(value)) {
    const found = nestedLists(entry, `'${key}'`);
    if (found !== undefined) return found;
  }
  return undefined;
}
