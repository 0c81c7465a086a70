import { fromIndex } from '#lib/data/index.js';
import type { HostTensor } from '#lib/io/safetensors.js';
import { Linear } from '#lib/nn/linear.js';
import { mse } from '#lib/nn/losses/index.js';
import { Module } from '#lib/nn/module.js';
import { add, mul, normal, relu } from '#lib/ops/index.js';
import { adamW, Ema } from '#lib/optim/index.js';
import { compile, scalar, type Tensor, tensor, valueAndGrad } from '#lib/tensor/index.js';
import type { Metrics, Trainable } from '#lib/train/index.js';

/** Rows of a table that somebody recorded. */
export interface Rows {
  readonly x: Float32Array;
  readonly y: Float32Array;
}

const rows = 16;

/** Batch `index` of an endless table: y = |x₀| − x₁, x on a grid that moves with the index. */
export function recordings(count?: number) {
  return fromIndex<Rows>(
    (index) => {
      const x = Float32Array.from({ length: 2 * rows }, (_, i) => (((index * 31 + i * 17) % 101) - 50) / 50);
      return { x, y: Float32Array.from({ length: rows }, (_, row) => Math.abs(x[2 * row]) - x[2 * row + 1]) };
    },
    { count },
  );
}

class Network extends Module {
  readonly hidden = new Linear(2, 12, { seed: 3, name: 'hidden' });
  readonly out = new Linear(12, 1, { seed: 3, name: 'out' });
  forward(x: Tensor): Tensor {
    return this.out.forward(relu(this.hidden.forward(x)));
  }
}

/**
 * A model as a user writes one: own layers, own compiled step with noise on its inputs, AdamW, an average of the weights. Nothing of
 * the library's own world model is in it.
 */
export class Regression implements Trainable<Rows> {
  readonly network = new Network();
  readonly description: Readonly<Record<string, unknown>>;
  readonly #optimiser = adamW(this.network.parameters(), { clipNorm: 1 });
  readonly #average = new Ema(this.network);
  readonly #step;

  constructor({ noise = 0.1 }: { readonly noise?: number } = {}) {
    this.description = { kind: 'regression', noise };
    this.#step = compile(
      (x: Tensor, y: Tensor, rate: Tensor, step: Tensor) => {
        const noisy = add(x, mul(normal([rows, 2], { seed: 7, step, stream: 'input noise' }), noise));
        const { value: loss, gradients } = valueAndGrad(
          () => mse(this.network.forward(noisy), y),
          this.network.parameters(),
        );
        const { gradNorm } = this.#optimiser.update(gradients, { learningRate: rate });
        this.#average.update({ momentum: 0.9 });
        return { loss, gradNorm };
      },
      { name: 'regression step' },
    );
  }

  async step({ x, y }: Rows, step: number, { steps }: { readonly steps: number }): Promise<Metrics> {
    const rate = 0.02 * (1 - step / steps);
    const { loss, gradNorm } = await this.#step(
      tensor(x, { shape: [rows, 2] }),
      tensor(y, { shape: [rows, 1] }),
      scalar(rate),
      scalar(step, 'int32'),
    );
    return { loss: await loss.item(), gradNorm: await gradNorm.item() };
  }

  samples(): number {
    return rows;
  }

  async stateDict(): Promise<Map<string, HostTensor>> {
    const parts = { model: this.network, optimiser: this.#optimiser, average: this.#average };
    const state = new Map<string, HostTensor>();
    for (const [part, owner] of Object.entries(parts))
      for (const [name, value] of await owner.stateDict()) state.set(`${part}.${name}`, value);
    return state;
  }

  async loadStateDict(state: ReadonlyMap<string, HostTensor>): Promise<void> {
    const of = (part: string): Map<string, HostTensor> =>
      new Map(
        [...state]
          .filter(([name]) => name.startsWith(`${part}.`))
          .map(([name, value]) => [name.slice(part.length + 1), value]),
      );
    await this.network.loadStateDict(of('model'));
    await this.#optimiser.loadStateDict(of('optimiser'));
    await this.#average.loadStateDict(of('average'));
  }
}
