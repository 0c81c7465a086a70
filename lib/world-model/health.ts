import { sigreg, sigregCollapsed, sigregNull } from '../nn/losses/sigreg.js';
import { add, concat, div, matmul, mean, permute, reshape, slice, sqrt, square, sub } from '../ops/index.js';
import { compile, type Tensor } from '../tensor/index.js';
import type { HealthReport } from '../train/events.js';
import { effectiveRank } from './effective-rank.js';
import type { WorldModelNetwork } from './network.js';
import type { Observations } from './observations.js';

const directions = 64;

/** What the health panel measures on a batch, compiled; nothing is assigned. */
export function healthProgram(network: WorldModelNetwork, contextFrames: number) {
  return compile(
    (observations: Observations, actions: Tensor, step: Tensor) => {
      const [clips, frames] = actions.shape;
      const z = network.standardisedEmbeddings(observations);
      const width = z.shape[2];
      const flat = reshape(z, [clips * frames, width]);
      const centred = sub(flat, mean(flat, { axes: [0], keepDims: true }));
      const covariance = div(matmul(centred, centred, { transposeA: true, precision: 'float32' }), clips * frames - 1);
      // The same clips with each other's actions: a model that ignores actions predicts the same.
      const standardised = network.standardise(actions);
      const exchanged = concat([slice(standardised, 0, 1, clips), slice(standardised, 0, 0, 1)], 0);
      const predict = (a: Tensor): Tensor =>
        network.predictor.teacherForced(slice(z, 1, 0, contextFrames), slice(a, 1, 0, contextFrames)).embeddings;
      const change = mean(square(sub(predict(standardised), predict(exchanged))));
      return {
        sigreg: sigreg(permute(z, [1, 0, 2]), { directions, seed: 0, step, stream: 'health' }),
        covariance,
        actionSensitivity: sqrt(div(change, add(mean(square(centred)), 1e-12))),
        samples: clips,
      };
    },
    { name: 'health' },
  );
}

/**
 * Turns the program's outputs into a report: collapsed means SIGReg near its collapsed value, or hardly any spread. Of a handful of
 * clips the two values lie so close that only the spread can tell.
 */
export async function healthOf(outputs: {
  sigreg: Tensor;
  covariance: Tensor;
  actionSensitivity: Tensor;
  samples: number;
}): Promise<HealthReport> {
  const covariance = (await outputs.covariance.data()) as Float32Array;
  const width = outputs.covariance.shape[0];
  const std = Array.from({ length: width }, (_, i) => Math.sqrt(Math.max(covariance[i * width + i], 0)));
  const statistic = await outputs.sigreg.item();
  const collapse = sigregCollapsed(outputs.samples);
  const rank = effectiveRank(covariance, width);
  return {
    sigreg: statistic,
    sigregNull,
    sigregCollapsed: collapse,
    std,
    effectiveRank: rank,
    actionSensitivity: await outputs.actionSensitivity.item(),
    collapsed: (collapse > 3 * sigregNull && statistic > 0.5 * collapse) || rank < 1.5,
  };
}
