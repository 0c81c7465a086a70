import { PixelDecoder } from '../models/pixel-decoder.js';
import { openLoop } from '../models/predictor.js';
import { mse } from '../nn/losses/index.js';
import { add, cast, mean, mul, reshape, slice, square, sub } from '../ops/index.js';
import { adamW, Ema } from '../optim/index.js';
import { compile, scalar, stopGradient, type Tensor, tensor, valueAndGrad } from '../tensor/index.js';
import { peakedRate } from '../train/peaked-rate.js';
import type { Clips } from '../world-model/clips.js';
import type { WorldModelConfig } from '../world-model/config.js';
import { refreshStatistics } from '../world-model/statistics.js';
import { averagingMomentum, trainingDefaults } from '../world-model/training-settings.js';
import { WorldModel } from '../world-model/world-model.js';

/**
 * The rival that reconstructs: the same encoder and predictor with a pixel decoder instead of a regulariser. It learns to draw
 * its frames and to predict its own codes. Trained as the model is: AdamW, the same batches, warm-up, cosine and weight average.
 */
export class PixelAutoencoder {
  readonly model: WorldModel;
  readonly decoder: PixelDecoder;
  /** Additions and multiplications of all training so far. */
  flops = 0;
  readonly #compare;

  constructor(config: WorldModelConfig) {
    this.model = new WorldModel({ ...config, heads: { variance: 0, inverse: 0, critic: 0 } });
    this.decoder = new PixelDecoder(config.embeddingSize, { seed: config.seed });
    this.#compare = compile(
      (codes: Tensor, pixels: Tensor) =>
        mean(square(sub(this.decoder.forward(codes), scaled(pixels))), { axes: [1, 2, 3] }),
      { name: 'pixel distance' },
    );
  }

  async train(
    batches: AsyncIterable<Clips>,
    steps: number,
    { signal, onStep }: { readonly signal?: AbortSignal; readonly onStep?: (step: number) => void } = {},
  ): Promise<void> {
    const { network } = this.model;
    network.train();
    const parameters = [...network.parameters(), ...this.decoder.parameters()];
    const optimiser = adamW(parameters, {
      weightDecay: trainingDefaults.weightDecay,
      clipNorm: trainingDefaults.clipNorm,
    });
    const averages = [new Ema(network), new Ema(this.decoder)];
    const run = compile(
      (observations: Tensor, actions: Tensor, rate: Tensor, momentum: Tensor) => {
        const { gradients } = valueAndGrad(() => this.#loss(observations, actions), parameters);
        optimiser.update(gradients, { learningRate: rate });
        for (const average of averages) average.update({ momentum });
      },
      { name: 'autoencoder step' },
    );
    const rate = peakedRate(trainingDefaults, steps);
    const kept: Tensor[] = [];
    let step = 0;
    try {
      for await (const batch of batches) {
        const [observations, actions] = this.model.tensors(batch);
        if (step === 0) this.flops = steps * (await run.program(observations, actions, scalar(0), scalar(0))).flops;
        const momentum = averagingMomentum(trainingDefaults.averaging, step);
        await run.call({ signal }, observations, actions, scalar(rate(step)), scalar(momentum));
        if (kept.length < 32) kept.push(observations);
        step++;
        onStep?.(step);
        if (step >= steps) break;
      }
      await averages[0].copyTo(network);
      await averages[1].copyTo(this.decoder);
      network.eval();
      await refreshStatistics(network, kept);
    } finally {
      for (const owner of [optimiser, run, ...averages]) owner.dispose();
    }
  }

  /** Mean squared pixel distance between drawings of embeddings [N, D] and a frame. */
  async pixelDistances(embeddings: Float32Array, frames: Uint8Array): Promise<Float32Array> {
    const count = embeddings.length / this.model.config.embeddingSize;
    const distances = await this.#compare(
      tensor(embeddings, { shape: [count, this.model.config.embeddingSize] }),
      tensor(frames, { shape: [count, 64, 64, 3] }),
    );
    return (await distances.data()) as Float32Array;
  }

  /** Frees its parameters and programs. */
  dispose(): void {
    this.model.dispose();
    this.decoder.dispose();
    this.#compare.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #loss(observations: Tensor, actions: Tensor): Tensor {
    const { network, config } = this.model;
    const z = network.encode(observations);
    const [clips, frames] = z.shape;
    const standardised = network.standardise(actions);
    const known = network.predictor.teacherForced(slice(z, 1, 0, frames - 1), slice(standardised, 1, 0, frames - 1));
    const open = openLoop(network.predictor, known, standardised, config.contextFrames);
    const targets = stopGradient(z); // otherwise the codes would shrink to be easy to predict
    const drawing = mse(
      this.decoder.forward(reshape(z, [clips * frames, config.embeddingSize])),
      scaled(reshape(observations, [clips * frames, ...observations.shape.slice(2)])),
    );
    const oneStep = mse(slice(known.embeddings, 1, 2, frames - 1), slice(targets, 1, 3, frames));
    const rollout = mse(open.embeddings, slice(targets, 1, config.contextFrames, frames));
    return add(mul(drawing, 4), add(oneStep, mul(rollout, 0.5)));
  }
}

function scaled(pixels: Tensor): Tensor {
  return sub(mul(cast(pixels, 'float32'), 4 / 255), 3.2);
}
