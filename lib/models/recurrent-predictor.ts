import { GRUCell } from '../nn/gru-cell.js';
import { Module } from '../nn/module.js';
import { add, concat, slice, stack, zeros } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import { GatedResidual } from './gated-residual.js';
import { Perceptron } from './perceptron.js';
import type { Prediction, Predictor, Rollout } from './predictor.js';

export interface RecurrentPredictorOptions {
  readonly embeddingSize: number;
  readonly actionSize: number;
  /** Width of the GRU's state. */
  readonly stateSize: number;
  /** Hidden width of the output head. */
  readonly hidden: number;
  /** Gated residual blocks of that width in the head; without them (default 0) it is a perceptron of one hidden layer. */
  readonly blocks?: number;
  readonly seed: number;
}

/**
 * A gated recurrent unit over (embedding, action) whose head predicts the change of the embedding:
 * h_t = GRU([z_t, a_t], h_{t−1}), ẑ_{t+1} = z_t + head([h_t, z_t, a_t]).
 * @example
 * const predictor = new RecurrentPredictor({ embeddingSize: 32, actionSize: 2, stateSize: 64, hidden: 128, seed: 0 });
 * const { embeddings } = predictor.teacherForced(zeros([4, 16, 32]), zeros([4, 16, 2]));
 * embeddings.shape; // [4, 16, 32]
 */
export class RecurrentPredictor extends Module implements Predictor {
  readonly cell: GRUCell;
  readonly head: Perceptron | GatedResidual;
  readonly stateSize: number;

  constructor({ embeddingSize, actionSize, stateSize, hidden, blocks = 0, seed }: RecurrentPredictorOptions) {
    super();
    this.stateSize = stateSize;
    this.cell = new GRUCell(embeddingSize + actionSize, stateSize, { seed, name: 'predictor.cell' });
    const inputs = stateSize + embeddingSize + actionSize;
    const name = 'predictor.head';
    this.head =
      blocks > 0
        ? new GatedResidual({ inputs, width: hidden, blocks, outputs: embeddingSize, seed, name })
        : new Perceptron([inputs, hidden, embeddingSize], { seed, name });
  }

  initialState(batch: number): Tensor {
    return zeros([batch, this.stateSize]);
  }

  step(state: Tensor, embedding: Tensor, action: Tensor): Prediction {
    const next = this.cell.forward(concat([embedding, action], -1), state);
    return { state: next, embedding: this.#output(next, embedding, action) };
  }

  teacherForced(embeddings: Tensor, actions: Tensor): Rollout {
    const [batch, frames] = embeddings.shape;
    const projected = this.cell.project(concat([embeddings, actions], -1)); // one product for all frames
    let state = this.initialState(batch);
    const states: Tensor[] = [];
    for (let t = 0; t < frames; t++) {
      state = this.cell.advance(slice(projected, 1, t, t + 1).reshape([batch, 3 * this.stateSize]), state);
      states.push(state);
    }
    const all = stack(states, 1);
    return { states: all, inputs: embeddings, embeddings: this.#output(all, embeddings, actions) };
  }

  #output(state: Tensor, embedding: Tensor, action: Tensor): Tensor {
    return add(embedding, this.head.forward(concat([state, embedding, action], -1)));
  }
}
