import type { WorldModel } from '../world-model/world-model.js';
import { counterfactualPairs } from '../worlds/physics/evaluation.js';
import type { Split } from '../worlds/physics/seeds.js';
import { embed } from './embedded.js';
import { shareOf } from './statistics.js';

export interface CounterfactualResults {
  /** Percent of pairs whose two imagined futures are nearer to their own truth than to the other's. */
  readonly match: number;
  readonly interval: readonly [number, number];
  /** Σ‖imagined effect − true effect‖ / Σ‖true effect‖. */
  readonly effectError: number;
  /** The same for a model that expects no effect. */
  readonly noEffect: number;
  /** Matching by chance. */
  readonly random: number;
}

const leastSeparation = 0.3; // m

/** What would have happened under another force: futures of one beginning, imagined and simulated. */
export async function evaluateCounterfactuals(
  model: WorldModel,
  {
    split,
    seed,
    count,
    signal,
  }: { readonly split: Split; readonly seed: number; readonly count: number; readonly signal?: AbortSignal },
): Promise<CounterfactualResults> {
  const { one, another, separation } = await counterfactualPairs({ split, seed, count, signal });
  const a = await embed(model, one, signal);
  const b = await embed(model, another, signal);
  const context = model.config.contextFrames;
  const imagined = async (actions: typeof a.actions): Promise<Float32Array> =>
    (await (await model.imagine(a.embeddings, actions, { signal })).embeddings.data()) as Float32Array;
  const [imaginedA, imaginedB] = [await imagined(a.actions), await imagined(b.actions)];
  const [trueA, trueB] = [(await a.embeddings.data()) as Float32Array, (await b.embeddings.data()) as Float32Array];
  const width = model.config.embeddingSize;
  const steps = a.frames - context;
  const total = { matched: 0, pairs: 0, error: 0, effect: 0 };
  for (let pair = 0; pair < count; pair++) {
    if (separation[pair] <= leastSeparation) continue;
    const distances = { aa: 0, bb: 0, ab: 0, ba: 0 };
    for (let k = 0; k < steps; k++) {
      let error = 0;
      let effect = 0;
      for (let d = 0; d < width; d++) {
        const predicted = (pair * steps + k) * width + d;
        const actual = (pair * a.frames + context + k) * width + d;
        const [pa, pb, ta, tb] = [imaginedA[predicted], imaginedB[predicted], trueA[actual], trueB[actual]];
        distances.aa += (pa - ta) ** 2;
        distances.bb += (pb - tb) ** 2;
        distances.ab += (pa - tb) ** 2;
        distances.ba += (pb - ta) ** 2;
        error += (pa - pb - (ta - tb)) ** 2;
        effect += (ta - tb) ** 2;
      }
      total.error += Math.sqrt(error);
      total.effect += Math.sqrt(effect);
    }
    total.pairs++;
    if (distances.aa + distances.bb < distances.ab + distances.ba) total.matched++;
  }
  const { accuracy, interval } = shareOf(total.matched, total.pairs);
  return { match: accuracy, interval, effectError: total.error / total.effect, noEffect: 1, random: 50 };
}
