import { expect, it } from 'vitest';
import { GatedResidual, RecurrentPredictor } from '#lib/index.js';
import { affine, checkLayer } from '../nn/check-layer.js';
import { gelu, layerNorm } from '../nn/reference.js';

it('is residual blocks of products between two linear layers, gradients too', async () => {
  const [inputs, width, outputs] = [3, 4, 2];
  const layer = new GatedResidual({ inputs, width, blocks: 2, outputs, seed: 3, name: 'head' });
  await checkLayer({
    module: layer,
    inputs: { x: [5, inputs] },
    forward: ({ x }) => layer.forward(x),
    reference: (v) => {
      const linear = (x: Float64Array, name: string) =>
        affine(x, v[`${name}.weight`], v[`${name}.bias`], v[`${name}.weight`].length / v[`${name}.bias`].length);
      const norm = (x: Float64Array, name: string) => layerNorm(x, width, v[`${name}.weight`], v[`${name}.bias`], 1e-5);
      let x = linear(v.x, 'first');
      for (const block of ['blocks.0', 'blocks.1']) {
        const up = linear(norm(x, `${block}.norm`), `${block}.up`);
        const gated = Float64Array.from(x, (_, i) => {
          const at = Math.floor(i / width) * 2 * width + (i % width);
          return gelu(up[at]) * up[at + width];
        });
        const down = linear(gated, `${block}.down`);
        x = x.map((value, i) => value + down[i]);
      }
      return linear(norm(x, 'norm'), 'last').map((value) => 0.3 * value);
    },
    tolerance: 1e-4,
  });
});

it('is the head of a recurrent predictor that has blocks', () => {
  const sizes = { embeddingSize: 3, actionSize: 2, stateSize: 4, hidden: 5, seed: 0 };
  const names = (blocks?: number) => [...new RecurrentPredictor({ ...sizes, blocks }).namedParameters().keys()];
  expect(names(1)).toContain('head.blocks.0.up.weight');
  expect(names(0)).toEqual(names());
});
