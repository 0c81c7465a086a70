// jepa's side of the vit-train suite.
import type { Tensor } from '#lib/index.js';
import { serveTraining } from '../harness/serve-training.js';
import { VitTrain, type VitTrainConfig } from '../models/vit-train.js';

await serveTraining(
  (config: VitTrainConfig) => new VitTrain(config),
  (model) => ({
    name: 'vit-train',
    batch: ['pixels', 'target'],
    parameters: model.parameters(),
    loss: (pixels: Tensor, target: Tensor) => model.loss(pixels, target),
  }),
);
