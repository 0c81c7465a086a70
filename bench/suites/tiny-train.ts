// The training step of `jepa demo`: its model, loss, clipping, AdamW and weight average on clips of the physics suite.
import { join } from 'node:path';
import { type HostTensor, normal, writeSafetensors } from '#lib/index.js';
import { peakedRate } from '#lib/train/peaked-rate.js';
import { physicsTraining } from '#lib/world-model/physics-training.js';
import type { ClipBatch } from '#lib/world-model/training.js';
import { trainingDefaults } from '#lib/world-model/training-settings.js';
import { physicsTrainingBatch } from '#lib/worlds/physics/training.js';
import {
  type Candidate,
  type Comparison,
  forTraining,
  ownCandidates,
  playFromFiles,
  pytorchCandidates,
} from '../harness/match.js';
import { contenderPath } from '../harness/paths.js';
import type { Precision, Run, Suite } from '../harness/suite.js';

const clips = 16;
const frames = 16;
const batchCount = 4;
const stepsPerTurn = 8;
const seed = 0;
const timedRate = 1e-4;
/** Steps compared between contenders before any is timed: the last one has seen three updates. */
export const checkSteps = 4;

/** Terms of the loss at one step. */
export type Check = Readonly<Record<string, number>>;

/** What `jepa demo` trains, encoder and all. */
export function worldModel(precision: 'float32' | 'bfloat16' = 'float32'): ReturnType<typeof physicsTraining> {
  return physicsTraining({
    preset: 'tiny',
    seed,
    clips,
    workers: 1,
    training: { precision, frozenFraction: 0 },
  });
}

/** Batches as the contenders' file has them. */
export function preparedBatches(tensors: ReadonlyMap<string, HostTensor>): ClipBatch[] {
  return Array.from({ length: batchCount }, (_, index) => {
    const of = (name: string): HostTensor => tensors.get(`batch.${index}.${name}`) as HostTensor;
    const [groups, size] = of('costs').shape;
    return {
      clips,
      frames,
      observations: of('observations').data as Uint8Array,
      actions: of('actions').data as Float32Array,
      twins: { groups, size, costs: of('costs').data as Float32Array },
    };
  });
}

/** Unit columns as SIGReg draws them. */
async function directions(width: number, step: number, stream: string): Promise<HostTensor> {
  const drawn = (await normal([width, 64], { seed, step, stream }).data()) as Float32Array;
  const data = new Float32Array(drawn.length);
  for (let column = 0; column < 64; column++) {
    let square = 0;
    for (let row = 0; row < width; row++) square += drawn[row * 64 + column] ** 2;
    for (let row = 0; row < width; row++) data[row * 64 + column] = drawn[row * 64 + column] / Math.sqrt(square);
  }
  return { dtype: 'float32', shape: [width, 64], data };
}

/** Weights, batches and directions: all that a contender must have in common with the others. */
async function writeInputs(path: string): Promise<void> {
  const { model } = worldModel();
  const tensors = new Map<string, HostTensor>();
  for (const [name, tensor] of await model.network.stateDict()) tensors.set(`model.${name}`, tensor);
  for (const key of ['mean', 'std'] as const) {
    const data = Float32Array.from(model.config.action[key]);
    tensors.set(`action_${key}`, { dtype: 'float32', shape: [data.length], data });
  }
  for (let index = 0; index < batchCount; index++) {
    const batch = await physicsTrainingBatch({ seed, clips, twinGroups: 1 }, index);
    const { groups, size, costs } = batch.twins;
    const add = (name: string, tensor: HostTensor): Map<string, HostTensor> =>
      tensors.set(`batch.${index}.${name}`, tensor);
    add('observations', { dtype: 'uint8', shape: [clips, frames, 64, 64, 3], data: batch.observations });
    add('actions', { dtype: 'float32', shape: [clips, frames, 2], data: batch.actions });
    add('costs', { dtype: 'float32', shape: [groups, size, size], data: costs });
  }
  const { embeddingSize } = model.config;
  for (let step = 0; step < checkSteps; step++) {
    tensors.set(`directions.sigreg.${step}`, await directions(embeddingSize, step, 'sigreg'));
    tensors.set(`directions.temporal.${step}`, await directions(embeddingSize / 2, step, 'sigreg.temporal'));
  }
  await writeSafetensors(path, tensors);
}

/**
 * Largest relative difference of a term: at the first step, with the same weights everywhere, and later, where gradients, clipping and
 * AdamW show. In bfloat16 PyTorch rounds what goes from layer to layer, too.
 */
const allowed: Record<Precision, { readonly first: number; readonly later: number }> = {
  float32: { first: 1e-4, later: 2e-3 },
  bfloat16: { first: 1e-1, later: 2e-1 },
  int8: { first: 0, later: 0 },
};

/** Largest difference of a term from jepa's in float32, in units of what is allowed at its step. Terms near zero need no digits. */
function compare(answer: readonly Check[], own: readonly Check[], precision: Precision): Comparison {
  const { first, later } = allowed[precision];
  const errors = answer.flatMap((terms, step) =>
    Object.entries(terms).map(([name, value]) => {
      const bound = (step === 0 ? first : later) * Math.abs(own[step][name]) + 1e-6;
      return (Math.abs(value - own[step][name]) / bound) * first;
    }),
  );
  return { error: errors.some(Number.isNaN) ? Number.POSITIVE_INFINITY : Math.max(...errors), allowed: first };
}

function candidates(run: Run, path: string): Candidate[] {
  const pytorch = pytorchCandidates(run, 'tiny-train', [path]).flatMap((candidate) =>
    ['channels_last', 'contiguous'].map((layout) => ({
      ...candidate,
      name: `${candidate.name} ${layout}`,
      arguments: [...(candidate.arguments ?? []), layout],
    })),
  );
  return [...ownCandidates(run, [contenderPath('tiny-train'), path]), ...pytorch];
}

export const tinyTrain: Suite = {
  name: 'tiny-train',
  summary: 'training step of the demo, frames a second',
  async run(run) {
    const { training } = worldModel();
    const batch = await physicsTrainingBatch({ seed, clips, twinGroups: 1 }, 0);
    const rates = Array.from({ length: checkSteps }, (_, step) => peakedRate(trainingDefaults, checkSteps)(step));
    const match = {
      suite: 'tiny-train',
      case: `step of ${clips} clips × ${frames} frames`,
      threads: run.threads[run.threads.length - 1],
      check: { rates },
      compare,
      time: { steps: stepsPerTurn, rate: timedRate },
      flops: await training.flops(batch),
      count: clips * frames,
    };
    return playFromFiles<readonly Check[]>(run, match, async (directory) => {
      const path = join(directory, 'inputs.safetensors');
      await writeInputs(path);
      return candidates(forTraining(run), path);
    });
  },
};
