import { Module } from '../nn/module.js';
import { add, concat, zeros } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import { Perceptron } from './perceptron.js';
import type { Prediction, Predictor, Rollout } from './predictor.js';

export interface MarkovPredictorOptions {
  readonly embeddingSize: number;
  readonly actionSize: number;
  readonly hidden: number;
  readonly seed: number;
}

/**
 * A predictor without memory, for worlds whose single frame tells everything: ẑ_{t+1} = z_t + MLP([z_t, a_t]).
 * The last layer starts at zero, so that an untrained model expects nothing to change.
 * @example
 * const predictor = new MarkovPredictor({ embeddingSize: 32, actionSize: 2, hidden: 128, seed: 0 });
 * predictor.step(predictor.initialState(4), zeros([4, 32]), zeros([4, 2])).embedding.shape; // [4, 32]
 */
export class MarkovPredictor extends Module implements Predictor {
  readonly change: Perceptron;
  readonly stateSize = 0;

  constructor({ embeddingSize, actionSize, hidden, seed }: MarkovPredictorOptions) {
    super();
    this.change = new Perceptron([embeddingSize + actionSize, hidden, hidden, embeddingSize], {
      seed,
      name: 'predictor.change',
      zeroLast: true,
    });
  }

  /** Nothing is remembered: a state of width 0. */
  initialState(batch: number): Tensor {
    return zeros([batch, 0]);
  }

  step(state: Tensor, embedding: Tensor, action: Tensor): Prediction {
    return { state, embedding: add(embedding, this.change.forward(concat([embedding, action], -1))) };
  }

  teacherForced(embeddings: Tensor, actions: Tensor): Rollout {
    const [batch, frames] = embeddings.shape;
    return {
      states: zeros([batch, frames, 0]),
      inputs: embeddings,
      embeddings: add(embeddings, this.change.forward(concat([embeddings, actions], -1))),
    };
  }
}
