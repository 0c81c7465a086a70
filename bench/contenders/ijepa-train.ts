// jepa's side of the ijepa-train suite: the target encoder's average is part of the program.
import { Ema, type Tensor } from '#lib/index.js';
import { serveTraining } from '../harness/serve-training.js';
import { IJepa, type IJepaConfig } from '../models/ijepa.js';
import { momentum } from '../suites/ijepa-train.js';

await serveTraining(
  (config: IJepaConfig) => new IJepa(config),
  (model) => {
    const { encoder, targetEncoder, predictor } = model;
    const ema = new Ema(encoder, { target: targetEncoder, buffers: 'ignore' });
    return {
      name: 'ijepa',
      batch: ['pixels', 'context', 'targets'],
      parameters: [...encoder.parameters(), ...predictor.parameters()],
      loss: (pixels: Tensor, context: Tensor, targets: Tensor) => model.loss(pixels, context, targets),
      after: () => ema.update({ momentum }),
    };
  },
);
