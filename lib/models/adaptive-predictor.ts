import { JepaError } from '../errors.js';
import { AdaptiveTransformerBlock } from '../nn/adaptive-transformer-block.js';
import { normal, parameter } from '../nn/initialisers.js';
import { LayerNorm } from '../nn/layer-norm.js';
import { Linear } from '../nn/linear.js';
import { Module } from '../nn/module.js';
import { add, slice } from '../ops/index.js';
import type { Tensor, Variable } from '../tensor/index.js';

/** Sizes of a causal transformer that conditions modulate. */
export interface AdaptiveTransformerSize {
  /** Width inside; where it differs from the embeddings', linear layers lead in and out. */
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  /** Channels of a head; heads · headWidth may differ from the width. */
  readonly headWidth: number;
  /** Hidden width of the feed-forward half of a block. */
  readonly hidden: number;
}

export interface AdaptivePredictorOptions extends AdaptiveTransformerSize {
  readonly embeddingSize: number;
  /** The most frames that it sees. */
  readonly historySize: number;
  readonly seed: number;
}

/**
 * LeWorldModel's predictor (Maes et al. 2026): a transformer, causal over time, whose norms and branches the action of each frame
 * modulates (adaLN-zero). Position p of the history has a learnt vector, counted from the first frame given.
 */
export class AdaptivePredictor extends Module {
  /** [1, historySize, D] */
  readonly posEmbedding: Variable;
  readonly inputProj?: Linear;
  readonly condProj?: Linear;
  readonly blocks: AdaptiveTransformerBlock[];
  readonly norm: LayerNorm;
  readonly outputProj?: Linear;
  readonly #historySize: number;

  constructor({ embeddingSize, historySize, width, depth, heads, headWidth, hidden, seed }: AdaptivePredictorOptions) {
    super();
    this.#historySize = historySize;
    const name = 'predictor';
    this.posEmbedding = parameter(`${name}.pos_embedding`, [1, historySize, embeddingSize], normal(), { seed });
    if (embeddingSize !== width) {
      this.inputProj = new Linear(embeddingSize, width, { seed, name: `${name}.input_proj` });
      this.condProj = new Linear(embeddingSize, width, { seed, name: `${name}.cond_proj` });
      this.outputProj = new Linear(width, embeddingSize, { seed, name: `${name}.output_proj` });
    }
    const options = { seed, headWidth, hidden, innerNorm: true, causal: true, qkvBias: false };
    this.blocks = Array.from(
      { length: depth },
      (_, index) => new AdaptiveTransformerBlock(width, heads, { ...options, name: `${name}.blocks.${index}` }),
    );
    this.norm = new LayerNorm(width, { name: `${name}.norm` });
  }

  /**
   * @param embeddings [B, T, D] with T up to the history size   @param conditions [B, T, D], of the action taken at each frame
   * @returns [B, T, D], row t from frames and actions up to t   @throws JepaError ERR_JEPA_SHAPE
   */
  forward(embeddings: Tensor, conditions: Tensor): Tensor {
    const [, frames, width] = embeddings.shape;
    if (frames > this.#historySize || width !== this.posEmbedding.shape[2])
      throw new JepaError(
        'ERR_JEPA_SHAPE',
        `[AdaptivePredictor] expected embeddings [B, T up to ${this.#historySize}, ${this.posEmbedding.shape[2]}], got [${embeddings.shape.join(', ')}]`,
      );
    const placed = add(embeddings, slice(this.posEmbedding, 1, 0, frames));
    const condition = this.condProj?.forward(conditions) ?? conditions;
    let x = this.inputProj?.forward(placed) ?? placed;
    for (const block of this.blocks) x = block.forward(x, condition);
    const y = this.norm.forward(x);
    return this.outputProj?.forward(y) ?? y;
  }
}
