import type { HostObservations } from '../data/modalities.js';
import { JepaError } from '../errors.js';
import { gatheredRows, joined } from '../io/joined.js';
import { checkOptions, withDefaults } from '../io/options.js';
import type { Quasimetric } from '../models/quasimetric.js';
import { add, div, exp, mean, mul, neg, relu, square, sub } from '../ops/index.js';
import { type Tensor, tensor } from '../tensor/index.js';
import type { Clips } from '../world-model/clips.js';
import { expectEvaluation } from '../world-model/expect.js';
import { trainHead } from '../world-model/head-training.js';
import type { WorldModel } from '../world-model/world-model.js';
import { Random } from '../worlds/random.js';
import { expectPositive, expectWhole, refuse } from './settings.js';
import { TemporalDistance } from './temporal-distance.js';

export interface TemporalDistanceOptions {
  /** Updates (default 1,500), each of `pairs` neighbours and as many strangers. */
  readonly steps?: number;
  /** Pairs of an update (default 256). */
  readonly pairs?: number;
  /** Batches of clips that are looked at, at most (default 100): the source may be endless. */
  readonly batches?: number;
  /** Peak learning rate of AdamW (default 2e-3), after 50 updates of warm-up, then a cosine. */
  readonly learningRate?: number;
  /** Weight of the rule that a step is at most 1 long (default 300). */
  readonly constraint?: number;
  /** Steps at which the push that holds strangers apart has fallen to 37 % (default 10): about the longest way that matters. */
  readonly scale?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onStep?: (step: number, loss: number) => void;
}

const defaults = { steps: 1500, pairs: 256, batches: 100, learningRate: 2e-3, constraint: 300, scale: 10, seed: 0 };

/**
 * Learns how many steps lie between embeddings, from clips of anything that moves, well or badly: pairs of frames that follow each other
 * are held at 1 or less, pairs of any two frames are pushed apart. What remains between two places is the shortest chain of steps that was
 * seen, if no clip went all of it (quasimetric reinforcement learning, Wang et al. 2023). Equal seeds give equal distances.
 * @param clips of any length from two frames; their pixels are dropped when they have been embedded
 * @throws JepaError ERR_JEPA_DATASET for clips of one frame, or none; ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_ABORTED
 * @example const distance = await trainTemporalDistance(world, clipBatches(episodes, { frames: 16, seed: 1 }));
 */
export async function trainTemporalDistance(
  world: WorldModel,
  clips: AsyncIterable<Clips<HostObservations>> | Iterable<Clips<HostObservations>>,
  options: TemporalDistanceOptions = {},
): Promise<TemporalDistance> {
  checkOptions('trainTemporalDistance', options, [...Object.keys(defaults), 'signal', 'onStep']);
  const { signal, onStep, ...given } = options;
  const settings = withDefaults(defaults, given);
  const { steps, pairs, batches, seed, ...positive } = settings;
  expectWhole('trainTemporalDistance', { steps, pairs, batches });
  expectPositive('trainTemporalDistance', positive);
  if (!Number.isSafeInteger(seed)) refuse('trainTemporalDistance', 'seed to be an integer', seed);
  expectEvaluation(world.network);
  const seen = await embedded(world, clips, batches, signal);
  const distance = new TemporalDistance(world);
  try {
    await distance.head.standardise(seen.embeddings);
    await learn(distance.head, seen, settings, { signal, onStep });
    return distance;
  } catch (error) {
    distance.dispose();
    throw error;
  }
}

/** Embeddings of all frames, and which of them another one follows. */
interface Seen {
  readonly width: number;
  /** [N, D] */
  readonly embeddings: Float32Array;
  /** Rows whose next row is the next frame of the same clip. */
  readonly followed: Int32Array;
}

async function embedded(
  world: WorldModel,
  clips: AsyncIterable<Clips<HostObservations>> | Iterable<Clips<HostObservations>>,
  most: number,
  signal?: AbortSignal,
): Promise<Seen> {
  const width = world.config.embeddingSize;
  const parts: Float32Array[] = [];
  const followed: number[] = [];
  let rows = 0;
  for await (const batch of clips) {
    const [observations] = world.tensors(batch);
    parts.push((await (await world.encode(observations, { signal })).data()) as Float32Array);
    const { clips: count, frames } = batch;
    for (let row = 0; row < count * frames; row++) if ((row + 1) % frames !== 0) followed.push(rows + row);
    rows += count * frames;
    if (parts.length === most) break;
  }
  if (followed.length === 0)
    throw new JepaError(
      'ERR_JEPA_DATASET',
      `[trainTemporalDistance] expected clips of two frames or more, got ${rows} frames of which none follows another`,
    );
  return { width, embeddings: joined(parts), followed: Int32Array.from(followed) };
}

async function learn(
  head: Quasimetric,
  { width, embeddings, followed }: Seen,
  { pairs, constraint, scale, seed, ...settings }: typeof defaults,
  watch: Pick<TemporalDistanceOptions, 'signal' | 'onStep'>,
): Promise<void> {
  const random = new Random(seed, 'temporal distance');
  const gathered = (rows: readonly number[]): Tensor =>
    tensor(gatheredRows(embeddings, width, rows), { shape: [rows.length, width] });
  await trainHead(
    head,
    ({ from, next, stranger }: Readonly<Record<'from' | 'next' | 'stranger', Tensor>>) => {
      const here = head.place(from);
      const near = head.distance(here, head.place(next));
      const far = head.distance(here, head.place(stranger));
      const apart = mul(mean(exp(neg(div(far, scale)))), scale);
      return add(apart, mul(mean(square(relu(sub(near, 1)))), constraint));
    },
    () => {
      const from = Array.from({ length: pairs }, () => followed[random.below(followed.length)]);
      const strangers = from.map(() => random.below(embeddings.length / width));
      return { from: gathered(from), next: gathered(from.map((row) => row + 1)), stranger: gathered(strangers) };
    },
    { ...settings, ...watch, name: 'temporal distance step' },
  );
}
