// Attention as vision transformers and causal predictors need it: forward, and forward with the gradients of q, k and v.
import { type OpCase, opSuite } from '../harness/ops.js';

/** q, k, v [B, H, N, d]. */
export interface AttentionRequest {
  readonly shape: readonly [number, number, number, number];
  readonly causal: boolean;
  readonly backward: boolean;
}

const shapes: readonly (readonly [string, AttentionRequest['shape'], boolean])[] = [
  ['ViT-Tiny/8 64²', [64, 3, 64, 64], false],
  ['ViT-S/16 224²', [8, 6, 196, 64], false],
  ['causal N=1024', [2, 6, 1024, 64], true],
];

const cases = shapes.flatMap(([name, shape, causal]) =>
  [false, true].map((backward): OpCase => {
    const [batch, heads, tokens, width] = shape;
    const pairs = causal ? (tokens * (tokens + 1)) / 2 : tokens * tokens;
    // Forward: q·kᵀ and the weighted sum. Backward: dv, dp, dq, dk, without what an implementation computes again.
    const products = backward ? 6 : 2;
    return {
      name: `${name} [${shape.join(', ')}]${backward ? ' with gradients' : ''}`,
      request: { shape, causal, backward } satisfies AttentionRequest,
      flops: products * 2 * batch * heads * pairs * width,
      count: null,
    };
  }),
);

export const attention = opSuite(
  'attention',
  'attention forward and backward, beside scaled_dot_product_attention',
  cases,
  ['float32', 'bfloat16'],
);
