import { clipBatches } from '../data/clips.js';
import { episodeStatistics } from '../data/episode-statistics.js';
import type { Episodes } from '../data/episodes.js';
import type { TrainingEvent } from '../train/events.js';
import type { EncoderConfig, PredictorConfig } from '../world-model/config.js';
import { trainOn } from '../world-model/fit.js';
import { trainPredictor } from '../world-model/predictor-training.js';
import { presetConfig, presetPixels } from '../world-model/preset.js';
import type { ClipBatch } from '../world-model/training.js';
import { WorldModel } from '../world-model/world-model.js';
import { joinTwins, recordTwins, type TwinGroup } from '../worlds/push-t/twins.js';
import { Random } from '../worlds/random.js';
import type { StagedTrainingOptions } from './recipe.js';
import { spreadTraining } from './spread-objective.js';

/** px of a picture's side. */
export const imageSize = 48;
/** Actions of a block: half a second. */
export const blockSteps = 5;
const frames = 6;
const contextFrames = 2;
/** Groups of twins that are recorded, and drawn from again and again. */
const twinPool = 2000;

/** Maps of 12 × 12, whose 32 channels are keypoints: the block's arms are three pixels thick. */
const encoder: EncoderConfig = {
  kind: 'keypoints',
  layers: [
    { channels: 16, kernel: 4, stride: 2, padding: 1 },
    { channels: 32, kernel: 3, stride: 2, padding: 1 },
    { channels: 32, kernel: 3, stride: 1, padding: 1 },
    { channels: 32, kernel: 3, stride: 1, padding: 1 },
  ],
  affine: true,
  ...presetPixels,
};

const predictor: PredictorConfig = { kind: 'recurrent', stateSize: 384, hidden: 384, blocks: 3 };

/** A stage of the encoder's training: its share of all steps, single clips and groups of twins of a step, what twins weigh. */
interface Stage {
  readonly share: number;
  readonly clips: number;
  readonly groups: number;
  readonly contrastive: number;
  readonly effect: number;
  readonly inverseDynamics: number;
  readonly learningRate: number;
}

/** Twins that weigh much bring the block's angle into the embedding; then, weighing little, they keep it there while places become exact. */
const stages: readonly Stage[] = [
  { share: 0.1, clips: 12, groups: 5, contrastive: 0.5, effect: 0.3, inverseDynamics: 0.5, learningRate: 2e-3 },
  { share: 0.13, clips: 20, groups: 3, contrastive: 0.05, effect: 0.1, inverseDynamics: 5, learningRate: 1.5e-3 },
];

/** Push-T's model: an encoder that counterfactual twins teach the block's angle, then a predictor on its fixed embeddings. */
export async function trainPushT(
  recordings: Episodes,
  { steps, seed, signal, onEvent }: StagedTrainingOptions,
): Promise<WorldModel> {
  const world = await episodeStatistics(recordings, { frameSkip: blockSteps });
  const pool = await recordTwins({ seed, groups: Math.min(twinPool, 2 * steps), frames, blockSteps, signal });
  const model = new WorldModel(presetConfig('tiny', { ...world, contextFrames, seed, encoder }));
  try {
    let done = 0;
    for (const [index, { share, clips, groups, learningRate, ...weights }] of stages.entries()) {
      const count = Math.max(Math.round(share * steps), 1);
      const batches = clipBatches(recordings, { frames, frameSkip: blockSteps, clips, seed: seed + index });
      await trainOn(model, withTwins(batches, pool, groups, new Random(seed, `push-t twins of stage ${index}`)), {
        steps: count,
        training: {
          ...spreadTraining,
          objective: { ...spreadTraining.objective, ...weights, firstTwinFrame: contextFrames, critic: 0 },
          learningRate,
        },
        signal,
        onEvent: told(onEvent, done, steps),
      });
      done += count;
    }
    return await trainPredictor(model, recordings, {
      predictor,
      steps: Math.max(steps - done, 1),
      clips: 112,
      clipFrames: contextFrames + 5, // as far as plans
      frameSkip: blockSteps,
      precision: 'bfloat16',
      seed,
      signal,
      onEvent: told(onEvent, done, steps),
    });
  } finally {
    model.dispose();
  }
}

async function* withTwins(
  batches: ReturnType<typeof clipBatches>,
  pool: readonly TwinGroup[],
  groups: number,
  random: Random,
): AsyncGenerator<ClipBatch> {
  for await (const batch of batches) {
    const drawn = Array.from({ length: groups }, () => pool[random.below(pool.length)]);
    yield joinTwins({ ...batch, observations: batch.observations as Uint8Array }, drawn, imageSize);
  }
}

/** Events of a stage, as those of a run of all stages. The seconds that are left are at the stage's rate. */
function told(
  onEvent: ((event: TrainingEvent) => void) | undefined,
  done: number,
  steps: number,
): ((event: TrainingEvent) => void) | undefined {
  if (!onEvent) return undefined;
  return (event) => {
    const step = done + event.step;
    if (event.type === 'step') {
      const perStep = event.secondsLeft / Math.max(event.steps - event.step, 1);
      onEvent({ ...event, step, steps, secondsLeft: perStep * (steps - step) });
    } else if (event.type !== 'done' || step >= steps) onEvent({ ...event, step });
  };
}
