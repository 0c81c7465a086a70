import type { WorldModel } from '../world-model/world-model.js';
import { actionSize } from '../worlds/physics/layout.js';
import type { EmbeddedClips } from './embedded.js';
import { fitRidge, predictLinear } from './ridge.js';

/**
 * Behaviour cloning: a Gaussian policy whose mean force is linear in the predictor's state at the last seen frame, fitted to the
 * demonstrations. @returns −log-likelihood of each plan, up to constants
 */
export async function imitationCosts(
  model: WorldModel,
  demonstrations: EmbeddedClips,
  clips: EmbeddedClips,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const context = model.config.contextFrames;
  const features = async (set: EmbeddedClips): Promise<{ rows: Float32Array; width: number }> => {
    const { states } = await model.states(set.embeddings, set.actions, { signal });
    const [count, frames, width] = states.shape;
    const data = (await states.data()) as Float32Array;
    const rows = new Float32Array(count * width);
    for (let clip = 0; clip < count; clip++)
      rows.set(data.subarray((clip * frames + context - 1) * width, (clip * frames + context) * width), clip * width);
    return { rows, width };
  };
  const future = async (set: EmbeddedClips): Promise<Float32Array> => {
    const actions = (await set.actions.data()) as Float32Array;
    const steps = set.frames - context;
    const rows = new Float32Array(set.clips * steps * actionSize);
    for (let clip = 0; clip < set.clips; clip++)
      rows.set(
        actions.subarray((clip * set.frames + context) * actionSize, (clip + 1) * set.frames * actionSize),
        clip * steps * actionSize,
      );
    return rows;
  };
  const train = await features(demonstrations);
  const outputs = (demonstrations.frames - context) * actionSize;
  const policy = fitRidge(train.rows, await future(demonstrations), train.width, outputs, 1e-2 * demonstrations.clips);
  const expected = predictLinear(policy, (await features(clips)).rows);
  const taken = await future(clips);
  return Float32Array.from({ length: clips.clips }, (_, clip) => {
    let total = 0;
    for (let k = 0; k < outputs; k++) total += (taken[clip * outputs + k] - expected[clip * outputs + k]) ** 2;
    return total;
  });
}
