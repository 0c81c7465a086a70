import { GRUCell } from '../nn/gru-cell.js';
import { Module } from '../nn/module.js';
import { add, concat, mul, sigmoid, slice, stack, sub, zeros } from '../ops/index.js';
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
  /**
   * Whether the state also holds the embedding's velocity, its last change (of the first frame: the embedding itself), which goes on as far
   * as a gate lets it (default false).
   */
  readonly velocity?: boolean;
  readonly seed: number;
}

/**
 * A gated recurrent unit over (embedding, action) whose head predicts the change of the embedding:
 * h_t = GRU([z_t, a_t], h_{t−1}), ẑ_{t+1} = z_t + head([h_t, z_t, a_t]). With `velocity` the state is (h_t, v_t, z_t), where
 * v_t = z_t − z_{t−1} and z_{−1} = 0, and the head gives a change c and a gate g: ẑ_{t+1} = z_t + σ(g)·v_t + c.
 * @example
 * const predictor = new RecurrentPredictor({ embeddingSize: 32, actionSize: 2, stateSize: 64, hidden: 128, seed: 0 });
 * const { embeddings } = predictor.teacherForced(zeros([4, 16, 32]), zeros([4, 16, 2]));
 * embeddings.shape; // [4, 16, 32]
 */
export class RecurrentPredictor extends Module implements Predictor {
  readonly cell: GRUCell;
  readonly head: Perceptron | GatedResidual;
  readonly stateSize: number;
  /** Width of the GRU's state, which is the first part of the predictor's. */
  readonly #memorySize: number;
  readonly #velocity: boolean;

  constructor(options: RecurrentPredictorOptions) {
    super();
    const { embeddingSize, actionSize, stateSize, hidden, blocks = 0, velocity = false, seed } = options;
    this.#memorySize = stateSize;
    this.#velocity = velocity;
    this.stateSize = stateSize + (velocity ? 2 * embeddingSize : 0);
    this.cell = new GRUCell(embeddingSize + actionSize, stateSize, { seed, name: 'predictor.cell' });
    const inputs = this.stateSize + (velocity ? 0 : embeddingSize) + actionSize;
    const outputs = velocity ? 2 * embeddingSize : embeddingSize;
    const name = 'predictor.head';
    this.head =
      blocks > 0
        ? new GatedResidual({ inputs, width: hidden, blocks, outputs, seed, name })
        : new Perceptron([inputs, hidden, outputs], { seed, name });
  }

  initialState(batch: number): Tensor {
    return zeros([batch, this.stateSize]);
  }

  step(state: Tensor, embedding: Tensor, action: Tensor): Prediction {
    const known = this.#velocity ? slice(state, 1, 0, this.#memorySize) : state;
    const memory = this.cell.forward(concat([embedding, action], -1), known);
    const next = this.#velocity ? concat([memory, sub(embedding, this.#lastOf(state)), embedding], -1) : memory;
    return { state: next, embedding: this.#output(next, embedding, action) };
  }

  teacherForced(embeddings: Tensor, actions: Tensor): Rollout {
    const [batch, frames, width] = embeddings.shape;
    const projected = this.cell.project(concat([embeddings, actions], -1)); // one product for all frames
    let memory: Tensor = zeros([batch, this.#memorySize]);
    const memories: Tensor[] = [];
    for (let t = 0; t < frames; t++) {
      memory = this.cell.advance(slice(projected, 1, t, t + 1).reshape([batch, 3 * this.#memorySize]), memory);
      memories.push(memory);
    }
    let states: Tensor = stack(memories, 1);
    if (this.#velocity) {
      const before = concat([zeros([batch, 1, width]), slice(embeddings, 1, 0, frames - 1)], 1);
      states = concat([states, sub(embeddings, before), embeddings], -1);
    }
    return { states, inputs: embeddings, embeddings: this.#output(states, embeddings, actions) };
  }

  /** The embedding that a state [B, H] with velocity ends with. */
  #lastOf(state: Tensor): Tensor {
    return slice(state, 1, (this.#memorySize + this.stateSize) / 2, this.stateSize);
  }

  #output(state: Tensor, embedding: Tensor, action: Tensor): Tensor {
    if (!this.#velocity) return add(embedding, this.head.forward(concat([state, embedding, action], -1)));
    const out = this.head.forward(concat([state, action], -1));
    const width = (this.stateSize - this.#memorySize) / 2;
    const velocity = slice(state, -1, this.#memorySize, this.#memorySize + width);
    const gate = sigmoid(slice(out, -1, width, 2 * width));
    return add(add(embedding, mul(gate, velocity)), slice(out, -1, 0, width));
  }
}
