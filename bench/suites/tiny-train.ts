// The training step of `jepa demo`: its model, loss, clipping, AdamW and weight average on clips of the physics suite.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HostTensor, normal, writeSafetensors } from '#lib/index.js';
import { physicsTraining } from '#lib/world-model/physics-training.js';
import type { ClipBatch } from '#lib/world-model/training.js';
import { physicsTrainingBatch } from '#lib/worlds/physics/training.js';
import { Contender } from '../harness/contender.js';
import { contenderPath } from '../harness/paths.js';
import { inTurnsWithPeak } from '../harness/peaks.js';
import { peerPath, pythonWith } from '../harness/python.js';
import { type Measured, type Run, type Suite, timedRow, withRatios } from '../harness/suite.js';

const clips = 16;
const frames = 16;
const batchCount = 4;
const stepsPerTurn = 8;
const seed = 0;
/** Steps compared between contenders before any is timed: the last one has seen three updates. */
export const checkSteps = 4;

/** Terms of the loss at one step. */
export type Check = Readonly<Record<string, number>>;

/** What `jepa demo` trains. */
export function worldModel(): ReturnType<typeof physicsTraining> {
  return physicsTraining({ preset: 'tiny', seed, clips, workers: 1 });
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

function start(run: Run, threads: number, path: string): Contender[] {
  const contenders = [
    new Contender({
      name: 'jepa',
      threads,
      command: process.execPath,
      arguments: [contenderPath('tiny-train'), path],
    }),
  ];
  const python = pythonWith('torch');
  if ('missing' in python) {
    run.note(`tiny-train without PyTorch: ${python.missing}`);
    return contenders;
  }
  for (const mode of ['eager', 'compile'])
    for (const layout of ['channels_last', 'contiguous'])
      contenders.push(
        new Contender({
          name: `PyTorch ${python.version} ${mode} ${layout}`,
          threads,
          command: python.command,
          arguments: [peerPath('tiny_train'), path, mode, layout],
        }),
      );
  return contenders;
}

/** The first step has the same weights everywhere; later ones also compare gradients, clipping, AdamW and its rounding. */
function agrees(terms: readonly Check[], expected: readonly Check[]): boolean {
  return expected.every((own, step) =>
    Object.entries(terms[step]).every(
      ([name, value]) => Math.abs(value - own[name]) <= (step === 0 ? 1e-4 : 2e-3) * Math.abs(own[name]) + 1e-6,
    ),
  );
}

async function measure(run: Run, threads: number, path: string): Promise<Measured[]> {
  const contenders = start(run, threads, path);
  try {
    const [own] = contenders;
    const expected = await own.request<Check[]>('check');
    const rates = expected.map(({ learningRate }) => learningRate);
    const verified: Contender[] = [own];
    for (const peer of contenders.slice(1)) {
      run.progress(`tiny-train: checking ${peer.name}`);
      try {
        const terms = await peer.request<Check[]>('check', { rates });
        if (agrees(terms, expected)) verified.push(peer);
        else run.note(`${peer.name} disagrees: ${JSON.stringify({ expected, got: terms })}`);
      } catch (error) {
        run.note((error as Error).message);
      }
    }
    const { flops } = await own.request<{ flops: number }>('cost');
    const { samples, peakGflops } = await inTurnsWithPeak(run, threads, verified, (contender) => {
      run.progress(`tiny-train: ${contender.name}, ${threads} threads`);
      return contender.request<number[]>('time', { steps: stepsPerTurn, ...(contender === own ? {} : { rate: 1e-4 }) });
    });
    return withRatios(
      contenders.map((contender) => {
        const times = samples.get(contender);
        return timedRow({
          case: `step of ${clips} clips × ${frames} frames`,
          contender: contender.name,
          threads,
          times,
          flops,
          count: clips * frames,
          peakGflops,
          verified: contender === own && verified.length === 1 ? null : times !== undefined, // nobody to agree with
        });
      }),
    );
  } finally {
    await Promise.all(contenders.map((contender) => contender.close()));
  }
}

export const tinyTrain: Suite = {
  name: 'tiny-train',
  summary: 'training step of the demo, frames a second',
  async run(run) {
    const directory = await mkdtemp(join(tmpdir(), 'jepa-bench-'));
    try {
      const path = join(directory, 'inputs.safetensors');
      await writeInputs(path);
      return await measure(run, run.threads[run.threads.length - 1], path);
    } finally {
      await rm(directory, { recursive: true });
    }
  },
};
