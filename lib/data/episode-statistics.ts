import { JepaError } from '../errors.js';
import { checkOptions, withDefaults } from '../io/options.js';
import { checkPositive } from './check.js';
import type { Episodes } from './episodes.js';
import type { MultimodalEpisodes } from './multimodal-episodes.js';

interface Statistics {
  readonly mean: number[];
  readonly std: number[];
}

/** What a world model must be told of a world, as `WorldModel.create` takes it. */
export interface EpisodeStatistics<
  Observation =
    | Extract<Episodes['observation'], { kind: 'image' }>
    | (Extract<Episodes['observation'], { kind: 'vector' }> & Statistics),
> {
  readonly observation: Observation;
  readonly action: {
    readonly size: number;
    readonly names?: readonly string[];
    readonly units?: readonly string[];
  } & Statistics;
  readonly frameRate: number;
}

/** The same of several modalities. */
export type MultimodalStatistics<Name extends string> = EpisodeStatistics<{
  readonly kind: 'multimodal';
  readonly modalities: Readonly<Record<Name, EpisodeStatistics['observation']>>;
}>;

interface StatisticsOptions {
  readonly frameSkip?: number;
  readonly frameRate?: number;
}

/**
 * Extents, rate, and the mean and standard deviation of each action (and of each reading of a sensor vector) over all episodes.
 * A number that never changes gets a deviation of 1.
 * @param options `frameSkip` as in {@link clips}: actions and rate are those of its frames. `frameRate`, where the episodes do not know it.
 * @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT where the frame rate is unknown,
 *   ERR_JEPA_DATASET where an action or a reading is not a finite number
 * @example const world = WorldModel.create('tiny', await episodeStatistics(episodes));
 */
export async function episodeStatistics(episodes: Episodes, options?: StatisticsOptions): Promise<EpisodeStatistics>;
export async function episodeStatistics<Name extends string>(
  episodes: MultimodalEpisodes<Name>,
  options?: StatisticsOptions,
): Promise<MultimodalStatistics<Name>>;
export async function episodeStatistics(
  episodes: Episodes | MultimodalEpisodes,
  options?: StatisticsOptions,
): Promise<EpisodeStatistics | MultimodalStatistics<string>>;
export async function episodeStatistics(
  episodes: Episodes | MultimodalEpisodes,
  options: StatisticsOptions = {},
): Promise<EpisodeStatistics | MultimodalStatistics<string>> {
  checkOptions('episodeStatistics', options, ['frameSkip', 'frameRate']);
  const { frameSkip, frameRate } = withDefaults({ frameSkip: 1, frameRate: episodes.frameRate }, options);
  checkPositive('episodeStatistics', 'frameSkip', frameSkip);
  if (!frameRate)
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      '[episodeStatistics] expected a frameRate in the options, frames per second, which these episodes do not know, got none',
    );
  const { observation, actionSize, actions, lengths } = episodes;
  const { mean, std } = statistics('actions', actionSize, actions);
  const repeated = <Value>(values: readonly Value[]): Value[] => Array.from({ length: frameSkip }, () => values).flat();
  const { actionNames: names, actionUnits: units } = episodes;
  const action = {
    size: actionSize * frameSkip,
    ...(names ? { names: repeated(names) } : {}),
    ...(units ? { units: repeated(units) } : {}),
    mean: repeated(mean),
    std: repeated(std),
  };
  const rate = frameRate / frameSkip;
  if (observation.kind === 'multimodal') {
    const modalities: Record<string, EpisodeStatistics['observation']> = {};
    for (const [name, part] of Object.entries((episodes as MultimodalEpisodes).parts))
      modalities[name] = (await episodeStatistics(part, { frameRate })).observation;
    return { observation: { kind: 'multimodal', modalities }, action, frameRate: rate };
  }
  if (observation.kind === 'image') return { observation, action, frameRate: rate };
  const readings: Float32Array[] = [];
  for (const [episode, length] of lengths.entries())
    readings.push((await (episodes as Episodes).observe(episode, 0, length, 1)) as Float32Array);
  return {
    observation: { ...observation, ...statistics('observations', observation.size, readings) },
    action,
    frameRate: rate,
  };
}

/** Over all rows, in two passes: the second on what is left of the mean, which keeps small deviations of large numbers. */
function statistics(what: string, size: number, list: readonly Float32Array[]): Statistics {
  for (const [episode, values] of list.entries()) {
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0)
      throw new JepaError(
        'ERR_JEPA_DATASET',
        `[episodeStatistics] expected ${what} of finite numbers, got ${values[bad]} in episode ${episode}, step ${Math.floor(bad / size)}, number ${bad % size}`,
      );
  }
  const rows = list.reduce((sum, { length }) => sum + length / size, 0);
  const total = (term: (value: number, column: number) => number): number[] => {
    const sums = new Array<number>(size).fill(0);
    for (const values of list)
      for (let index = 0; index < values.length; index++) sums[index % size] += term(values[index], index % size);
    return sums;
  };
  const mean = total((value) => value).map((sum) => sum / rows);
  const std = total((value, column) => (value - mean[column]) * (value - mean[column])).map(
    (sum) => Math.sqrt(sum / rows) || 1,
  );
  return { mean, std };
}
