// What memory limits: GELU, layer norm, softmax and AdamW. `per second` counts the GB that the algorithm has to read and write: compare it
// with the triads of the same run, that of the size nearest to the case's operands.
import { type OpCase, opSuite } from '../harness/ops.js';

export type ElementwiseRequest =
  | {
      readonly op: 'gelu' | 'layerNorm' | 'softmax';
      readonly shape: readonly [number, number];
      readonly backward: boolean;
    }
  | { readonly op: 'adamW'; readonly shape: readonly [number, number]; readonly tensors: number };

/** What an MLP, a norm and attention of ViT-Tiny/8 (64 pictures of 64²) and ViT-S/16 (8 of 224²) have. */
const shapes = {
  gelu: [
    [4096, 768],
    [1568, 1536],
  ],
  layerNorm: [
    [4096, 192],
    [1568, 384],
  ],
  softmax: [
    [12288, 64],
    [9408, 196],
  ],
} as const;

const float = 4;

const passes = (['gelu', 'layerNorm', 'softmax'] as const).flatMap((op) =>
  shapes[op].flatMap((shape) =>
    [false, true].map((backward): OpCase => {
      const size = shape[0] * shape[1];
      // Forward: x to y. With gradients also dy to dx; one look at x would do for both.
      return {
        name: `${op} [${shape.join(', ')}]${backward ? ' with gradients' : ''}`,
        request: { op, shape, backward } satisfies ElementwiseRequest,
        flops: null,
        count: ((backward ? 4 : 2) * size * float) / 1e9,
      };
    }),
  ),
);

/** The matrices of twelve blocks of width 192, six a block: p, m and v read and written, g read. */
const update: OpCase = {
  name: 'adamW 72 × [192, 384]',
  request: { op: 'adamW', shape: [192, 384], tensors: 72 } satisfies ElementwiseRequest,
  flops: null,
  count: (7 * 72 * 192 * 384 * float) / 1e9,
};

export const elementwise = opSuite(
  'elementwise',
  'GELU, layer norm, softmax and AdamW, GB a second',
  [...passes, update],
  ['float32'],
);
