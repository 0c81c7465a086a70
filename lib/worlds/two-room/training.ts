import { WorkerDataset, type WorkerDatasetOptions } from '../../data/worker-dataset.js';
import { JepaError } from '../../errors.js';
import { checkOptions, withDefaults } from '../../io/options.js';
import { Random } from '../random.js';
import { type Episodes, episodeLimit, playEpisodes } from './episodes.js';
import { RoomPicture } from './picture.js';
import { defaultRoom } from './room.js';

/** Steps of the environment between two observations, and actions of a block. */
export const frameSkip = 5;
export const blockSize = 2 * frameSkip;

export interface TwoRoomBatchOptions {
  readonly seed: number;
  /** Clips of a batch (default 32). */
  readonly clips?: number;
  /** Observations of a clip (default 4), `frameSkip` steps apart. */
  readonly frames?: number;
  /** px (default 32) */
  readonly imageSize?: number;
  /** Episodes of the noisy expert that clips are taken from (default 4000). */
  readonly episodes?: number;
}

export interface TwoRoomBatch {
  readonly clips: number;
  readonly frames: number;
  /** [clips, frames, imageSize, imageSize, 3] */
  readonly observations: Uint8Array;
  /** [clips, frames, 10] the five actions (x, y) that follow each observation */
  readonly actions: Float32Array;
  /** [clips, frames, 2] px; never an input of a model */
  readonly states: Float32Array;
}

const defaults = { clips: 32, frames: 4, imageSize: 32, episodes: 4000 };

/**
 * Batch `index` of Two-Room clips in the default room: a function of its options and the index alone.
 * @example const { observations, actions } = twoRoomTrainingBatch({ seed: 1 }, 0);
 */
export function twoRoomTrainingBatch(options: TwoRoomBatchOptions, index: number): TwoRoomBatch {
  checkOptions('twoRoomTrainingBatch', options, ['seed', ...Object.keys(defaults)]);
  const { seed, clips, frames, imageSize, episodes } = withDefaults(defaults, options);
  if (!Number.isInteger(frames) || frames < 2 || frames * frameSkip > episodeLimit) {
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[twoRoomTrainingBatch] expected frames to be from 2 to ${episodeLimit / frameSkip}, got ${frames}`,
    );
  }
  const { windows, recorded, picture } = prepared(seed, episodes, frames, imageSize);
  const random = new Random(seed, `two-room batch ${index}`);
  const frameBytes = imageSize * imageSize * 3;
  const observations = new Uint8Array(clips * frames * frameBytes);
  const actions = new Float32Array(clips * frames * blockSize);
  const states = new Float32Array(clips * frames * 2);
  for (let clip = 0; clip < clips; clip++) {
    const { episode, start } = windowAt(windows, random.below(windows[episodes]));
    for (let frame = 0; frame < frames; frame++) {
      const at = start + frame * frameSkip;
      const row = clip * frames + frame;
      const position = (episode * (recorded.steps + 1) + at) * 2;
      const action = (episode * recorded.steps + at) * 2;
      states.set(recorded.positions.subarray(position, position + 2), row * 2);
      actions.set(recorded.actions.subarray(action, action + blockSize), row * blockSize);
      picture.draw(observations, row * frameBytes, states[row * 2], states[row * 2 + 1]);
    }
  }
  return { clips, frames, observations, actions, states };
}

/** Endless Two-Room batches computed beside training: batch `index` is `twoRoomTrainingBatch(options, index)`. */
export class TwoRoomDataset extends WorkerDataset<TwoRoomBatch> {
  constructor(options: TwoRoomBatchOptions & WorkerDatasetOptions) {
    checkOptions('TwoRoomDataset', options, [
      'seed',
      ...Object.keys(defaults),
      'workers',
      'lookahead',
      'count',
      'signal',
    ]);
    const { workers, lookahead, count, signal, ...batch } = options;
    const given = Object.fromEntries(
      Object.entries({ workers, lookahead, count, signal }).filter(([, value]) => value !== undefined),
    ) as WorkerDatasetOptions;
    super({ module: import.meta.url, name: 'twoRoomTrainingBatch', options: batch }, given);
  }
}

interface Prepared {
  readonly key: string;
  readonly recorded: Episodes;
  readonly picture: RoomPicture;
  /** [episodes + 1] clips that begin in the episodes before this one */
  readonly windows: Int32Array;
}
let latest: Prepared | undefined;

/** The episodes are played once; they take 7 MB. */
function prepared(seed: number, episodes: number, frames: number, imageSize: number): Prepared {
  const key = `${seed} ${episodes} ${frames} ${imageSize}`;
  if (latest?.key === key) return latest;
  const recorded = playEpisodes(defaultRoom, { seed, stream: 'train', count: episodes });
  const windows = new Int32Array(episodes + 1);
  for (let i = 0; i < episodes; i++)
    windows[i + 1] = windows[i] + Math.max(0, recorded.lengths[i] - frameSkip * (frames - 1));
  latest = { key, recorded, picture: new RoomPicture(defaultRoom, imageSize), windows };
  return latest;
}

/** The state before the first step is not recorded: clips begin at step 1. */
function windowAt(windows: Int32Array, number: number): { readonly episode: number; readonly start: number } {
  let low = 0;
  let high = windows.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (windows[middle] <= number) low = middle;
    else high = middle;
  }
  return { episode: low, start: 1 + number - windows[low] };
}
