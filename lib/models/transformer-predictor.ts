import { Module } from '../nn/module.js';
import { add, concat, equal, full, minimum, pad, reshape, slice, stack, sum, where, zeros } from '../ops/index.js';
import { arange, type Tensor } from '../tensor/index.js';
import { ActionEncoder } from './action-encoder.js';
import { AdaptivePredictor, type AdaptiveTransformerSize } from './adaptive-predictor.js';
import { Perceptron } from './perceptron.js';
import { frame, type Prediction, type Predictor, type Rollout } from './predictor.js';

export interface TransformerPredictorOptions extends AdaptiveTransformerSize {
  readonly embeddingSize: number;
  readonly actionSize: number;
  /** The most frames that it sees, K. */
  readonly historySize: number;
  readonly seed: number;
}

/**
 * LeWorldModel's predictor as a {@link Predictor}: a causal transformer over the last K embeddings, modulated by their actions, whose
 * head predicts the change of the last one. The head has no batch normalisation, unlike LeWorldModel's, since each step of an open
 * loop would be a batch of its own.
 *
 * Its state is that window: K rows (z, a), oldest first and filled up with zeros, then how many of them there are. Rows that are not
 * there stand behind those that are, where the causal mask hides them.
 */
export class TransformerPredictor extends Module implements Predictor {
  readonly actionEncoder: ActionEncoder;
  readonly transformer: AdaptivePredictor;
  readonly head: Perceptron;
  readonly stateSize: number;
  readonly #historySize: number;
  readonly #embeddingSize: number;
  readonly #rowSize: number;

  constructor({ actionSize, seed, ...options }: TransformerPredictorOptions) {
    super();
    const { embeddingSize, historySize, hidden } = options;
    this.actionEncoder = new ActionEncoder({
      actionSize,
      smoothed: actionSize,
      hidden: 4 * embeddingSize,
      embeddingSize,
      seed,
    });
    this.transformer = new AdaptivePredictor({ ...options, seed });
    this.head = new Perceptron([embeddingSize, hidden, embeddingSize], { seed, name: 'predictor.head' });
    this.#historySize = historySize;
    this.#embeddingSize = embeddingSize;
    this.#rowSize = embeddingSize + actionSize;
    this.stateSize = historySize * this.#rowSize + 1;
  }

  initialState(batch: number): Tensor {
    return zeros([batch, this.stateSize]);
  }

  step(state: Tensor, embedding: Tensor, action: Tensor): Prediction {
    const [K, F] = [this.#historySize, this.#rowSize];
    const batch = embedding.shape[0];
    const row = reshape(concat([embedding, action], -1), [batch, 1, F]);
    const count = slice(state, 1, this.stateSize - 1, this.stateSize); // [B, 1]
    const window = reshape(slice(state, 1, 0, this.stateSize - 1), [batch, K, F]);
    const last = reshape(equal(arange(0, K, 'float32'), minimum(count, K - 1)), [batch, K, 1]);
    const placed = where(last, row, window);
    const shifted = K === 1 ? row : concat([slice(window, 1, 1, K), row], 1);
    const next = where(reshape(equal(count, K), [batch, 1, 1]), shifted, placed);
    const outputs = sum(where(last, this.#outputs(next), 0), { axes: [1] });
    return {
      state: concat([reshape(next, [batch, K * F]), minimum(add(count, 1), K)], -1),
      embedding: this.#changed(embedding, outputs),
    };
  }

  teacherForced(embeddings: Tensor, actions: Tensor): Rollout {
    const K = this.#historySize;
    const [batch, frames] = embeddings.shape;
    const rows = concat([embeddings, actions], -1);
    const lead = Math.min(frames, K);
    const first = slice(rows, 1, 0, lead);
    const states = Array.from({ length: lead }, (_, t) => this.#stateOf(slice(rows, 1, 0, t + 1)));
    const outputs = [this.#outputs(first)];
    if (frames > K) {
      const later = frames - K;
      const windows = stack(
        Array.from({ length: K }, (_, k) => slice(rows, 1, 1 + k, 1 + k + later)),
        2,
      ); // [B, T − K, K, F]
      const flat = reshape(windows, [batch * later, K, this.#rowSize]);
      outputs.push(reshape(frame(this.#outputs(flat), K - 1), [batch, later, this.#embeddingSize]));
      for (let t = 0; t < later; t++) states.push(this.#stateOf(slice(rows, 1, t + 1, t + 1 + K)));
    }
    return {
      states: stack(states, 1),
      inputs: embeddings,
      embeddings: this.#changed(embeddings, outputs.length === 1 ? outputs[0] : concat(outputs, 1)),
    };
  }

  /** @param rows [B, T ≤ K, D + A]   @returns [B, T, D] */
  #outputs(rows: Tensor): Tensor {
    const [D, F] = [this.#embeddingSize, this.#rowSize];
    return this.transformer.forward(slice(rows, 2, 0, D), this.actionEncoder.forward(slice(rows, 2, D, F)));
  }

  #changed(embedding: Tensor, output: Tensor): Tensor {
    return add(embedding, this.head.forward(output));
  }

  /** @param rows [B, T ≤ K, D + A], the last ones seen   @returns [B, stateSize] */
  #stateOf(rows: Tensor): Tensor {
    const [batch, count] = rows.shape;
    const filled = pad(reshape(rows, [batch, count * this.#rowSize]), [
      [0, 0],
      [0, (this.#historySize - count) * this.#rowSize],
    ]);
    return concat([filled, full([batch, 1], count)], -1);
  }
}
