// The LeWorldModel of the suite: its sizes and settings, the same for both contenders, and what a step of it costs.
import type { LeWMOptions } from '#lib/index.js';
import { encoderFlops, tokensOf } from './vision.js';

export interface LeWMConfig extends Required<Omit<LeWMOptions, 'seed' | 'action'>> {
  readonly action: Required<LeWMOptions['action']>;
  readonly sigregWeight: number;
  readonly knots: number;
}

/** Operations of a step: forward and backward (twice the forward), without the gradient of the pixels. */
export function leWMFlops(config: LeWMConfig, batch: number, directions: number): number {
  const { encoder, embeddingSize: embedding, projector, action, predictor, historySize: history } = config;
  const frames = batch * (history + 1);
  const { width, depth, heads, headWidth, hidden } = predictor;
  const inner = heads * headWidth;
  const block = 2 * width * (6 * width + 4 * inner + 2 * hidden) + 4 * history * inner; // a token
  const layers =
    frames *
      (encoderFlops(encoder, tokensOf(encoder), 1) +
        2 * projector * (encoder.width + embedding) +
        2 * (action.size * action.smoothed + action.smoothed * action.hidden + action.hidden * embedding) +
        2 * embedding * directions) +
    batch * history * (depth * block + 4 * projector * embedding);
  return 3 * layers - frames * tokensOf(encoder) * 2 * 3 * encoder.patchSize ** 2 * encoder.width;
}
