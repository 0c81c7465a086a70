// jepa's side of the lewm-train suite.
import type { Tensor } from '#lib/index.js';
import { serveTraining } from '../harness/serve-training.js';
import { LeWm, type LeWmConfig } from '../models/lewm.js';

await serveTraining(
  (config: LeWmConfig) => new LeWm(config),
  (model) => ({
    name: 'lewm',
    batch: ['pixels', 'actions', 'directions'],
    parameters: model.parameters(),
    loss: (pixels: Tensor, actions: Tensor, directions: Tensor) => model.terms(pixels, actions, directions).loss,
  }),
);
