import { Module } from '../nn/module.js';
import { add, concat, sqrt, square, sub, sum } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import { Perceptron } from './perceptron.js';

/** Sizes of a {@link CriticHead}. */
export interface CriticHeadOptions {
  readonly embeddingSize: number;
  /** Width H of the predictor's state; 0 if it has none. */
  readonly stateSize: number;
  /** Hidden width of the correction (default 256). */
  readonly hidden?: number;
  /** Width of the space in which distances are costs (default 16). */
  readonly width?: number;
  readonly seed: number;
}

/** Where a plan begins and ends, as a predictor imagines it. */
export interface Outlook {
  /** [..., H] its state after the last frame seen. */
  readonly start: Tensor;
  /** [..., H] its state when the plan is done. */
  readonly state: Tensor;
  /** [..., D] the embedding it expects then. */
  readonly embedding: Tensor;
}

/**
 * The cost of a plan against a goal: q = ‖φ(ẑ + δ(ẑ, h, h₀)) − φ(z_g)‖. δ corrects the imagined end ẑ by what the predictor's states h₀
 * before and h after the plan tell of its errors; φ maps embeddings to a space in which distances are costs. One φ for ends and goals:
 * what is right about one goal is right about all.
 */
export class CriticHead extends Module {
  readonly correction: Perceptron;
  readonly projection: Perceptron;

  constructor({ embeddingSize, stateSize, hidden = 256, width = 16, seed }: CriticHeadOptions) {
    super();
    const inputs = embeddingSize + 2 * stateSize;
    this.correction = new Perceptron([inputs, hidden, embeddingSize], { seed, name: 'correction', zeroLast: true });
    this.projection = new Perceptron([embeddingSize, 128, width], { seed, name: 'projection' });
  }

  /** @returns [..., width] the place of a plan's end */
  end({ start, state, embedding }: Outlook): Tensor {
    const parts = [embedding, state, start].filter(({ shape }) => shape[shape.length - 1] > 0);
    return this.projection.forward(add(embedding, this.correction.forward(concat(parts, -1))));
  }

  /** @param goal [..., D]   @returns [..., width] the place of a goal */
  goal(goal: Tensor): Tensor {
    return this.projection.forward(goal);
  }

  /** @param end [..., width]   @param goal [..., width]   @returns costs [...] */
  distance(end: Tensor, goal: Tensor): Tensor {
    return sqrt(add(sum(square(sub(end, goal)), { axes: [-1] }), 1e-4)); // a root has no gradient at 0
  }
}
