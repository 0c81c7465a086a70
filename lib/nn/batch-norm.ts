import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import { add, batchNorm, cast, mul, reciprocal, reshape, sub } from '../ops/index.js';
import { assign, stopGradient, type Tensor, type Variable, variable } from '../tensor/index.js';
import { currentTrace } from '../tensor/trace.js';
import { layerName, ones, parameter, zeros } from './initialisers.js';
import { latest } from './latest.js';
import { Module } from './module.js';

export interface BatchNormOptions {
  /** Added to the variance (default 1e-5). */
  readonly epsilon?: number;
  /** Weight of a new batch in the running statistics (default .1); null: the average of all batches seen. */
  readonly momentum?: number | null;
  /** Whether there is a learnt weight and bias (default true). */
  readonly affine?: boolean;
  /** Axis of the features (default 1, as in [N, D] and NCHW; −1 for NHWC and tokens). */
  readonly axis?: 1 | -1;
  readonly name?: string;
}

/**
 * Normalises every feature over all other axes (Ioffe & Szegedy 2015): by the batch in training, by running statistics in
 * evaluation. The batch is normalised by its biased variance, the running variance takes the unbiased one (PyTorch). Training
 * needs `compile`, since running statistics change only when a compiled step succeeds.
 * @example await new BatchNorm(2).eval().forward(tensor([[1, 2]])).toArray(); // [[1, 2]]
 */
export class BatchNorm extends Module {
  /** [features] */
  readonly weight?: Variable;
  readonly bias?: Variable;
  readonly runningMean: Variable;
  readonly runningVar: Variable;
  readonly numBatchesTracked: Variable;
  readonly #name: string;
  readonly #features: number;
  readonly #options: Required<Omit<BatchNormOptions, 'name' | 'affine'>>;

  constructor(features: number, options: BatchNormOptions = {}) {
    super();
    checkOptions('BatchNorm', options, ['epsilon', 'momentum', 'affine', 'axis', 'name']);
    const { epsilon = 1e-5, momentum = 0.1, affine = true, axis = 1 } = options;
    const name = layerName(options.name, 'batch_norm');
    this.#name = name;
    this.#features = features;
    this.#options = { epsilon, momentum, axis };
    if (affine) {
      this.weight = parameter(`${name}.weight`, [features], ones);
      this.bias = parameter(`${name}.bias`, [features], zeros);
    }
    this.runningMean = this.buffer(parameter(`${name}.running_mean`, [features], zeros));
    this.runningVar = this.buffer(parameter(`${name}.running_var`, [features], ones));
    this.numBatchesTracked = this.buffer(
      variable(new Int32Array(1), { name: `${name}.num_batches_tracked`, shape: [], dtype: 'int32' }),
    );
  }

  /**
   * @param x features on `axis`   @returns the shape of x
   * @throws JepaError ERR_JEPA_SHAPE if the features do not fit, or training has one value a feature
   * @throws JepaError ERR_JEPA_ASSIGN_OUTSIDE_COMPILE in training outside `compile`
   */
  forward(x: Tensor): Tensor {
    const { axis, epsilon } = this.#options;
    if (x.shape.at(axis) !== this.#features) {
      throw new JepaError(
        'ERR_JEPA_SHAPE',
        `[batchNorm] expected ${this.#features} features on axis ${axis}, got x of shape [${x.shape.join(', ')}]`,
      );
    }
    const rows = axis === 1 ? x : reshape(x, [x.size / this.#features, this.#features]);
    const { weight, bias, runningMean, runningVar, training } = this;
    const { y, batchMean, batchVar } = batchNorm(rows, { weight, bias, runningMean, runningVar, training, epsilon });
    if (batchMean && batchVar) this.#track(stopGradient(batchMean), stopGradient(batchVar));
    return axis === 1 ? y : reshape(y, x.shape);
  }

  /** running ← running + weight·(batch − running), with weight `momentum` or 1/(batches seen). */
  #track(average: Tensor, variance: Tensor): void {
    if (!currentTrace())
      throw new JepaError(
        'ERR_JEPA_ASSIGN_OUTSIDE_COMPILE',
        `[batchNorm] expected a layer in evaluation mode outside compile, got '${this.#name}' in training, which would change its running statistics`,
        {
          help: [
            'to use it, call eval() of the module it belongs to',
            'to train it, call it in a function given to compile',
          ],
        },
      );
    const seen = assign(this.numBatchesTracked, add(latest(this.numBatchesTracked), 1));
    const weight = this.#options.momentum ?? reciprocal(cast(seen, 'float32'));
    for (const [running, batch] of [
      [this.runningMean, average],
      [this.runningVar, variance],
    ] as const) {
      assign(running, add(latest(running), mul(sub(batch, latest(running)), weight)));
    }
  }
}
