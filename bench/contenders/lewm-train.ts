// jepa's side of the lewm-train suite.
import { LeWM, type Tensor } from '#lib/index.js';
import { serveTraining } from '../harness/serve-training.js';
import type { LeWMConfig } from '../models/lewm.js';

await serveTraining(
  ({ sigregWeight: _weight, knots: _knots, ...sizes }: LeWMConfig) => new LeWM(sizes),
  (model, { sigregWeight, knots }) => ({
    name: 'lewm',
    batch: ['pixels', 'actions', 'directions'],
    parameters: model.parameters(),
    loss: (pixels: Tensor, actions: Tensor, directions: Tensor) =>
      model.loss(pixels, actions, { directions, sigregWeight, knots }).loss,
  }),
);
