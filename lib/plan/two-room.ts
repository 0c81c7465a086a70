import { JepaError } from '../errors.js';
import { joined } from '../io/joined.js';
import { checkOptions } from '../io/options.js';
import type { WorldModel } from '../world-model/world-model.js';
import { simulatorOracle } from '../worlds/two-room/oracle.js';
import {
  type GoalPairs,
  goalPairs,
  hardGoalPairs,
  needsDoor,
  type Policy,
  randomActions,
  standStill,
  successRate,
} from '../worlds/two-room/protocol.js';
import { publishedPairs } from '../worlds/two-room/published-pairs.js';
import { TwoRoomDataset, twoRoomTrainingBatch } from '../worlds/two-room/training.js';
import type { Waypoints } from './contract.js';
import type { EpisodeResults } from './goal-episodes.js';
import { planTimes } from './time.js';
import { imageSize, planEpisodes, policyEpisodes } from './two-room-episodes.js';
import { smallTwoRoomModel, type TrainTwoRoomOptions, trainTwoRoomModel } from './two-room-model.js';
import { trainTwoRoomWaypoints } from './two-room-waypoints.js';

/** Steps that the recipe needs: more bring little, half as many still plan well. */
export const twoRoomSteps = 390;

/** A small model of Two-Room: one frame tells everything, so its predictor has no memory. */
export const twoRoomModel = (seed: number): WorldModel =>
  smallTwoRoomModel({ imageSize, pixelScale: 1 / 127.5, pixelOffset: -1, actionDeviation: 1, seed });

/**
 * Trains on clips of a noisy expert, for {@link twoRoomSteps} steps.
 * @throws JepaError ERR_JEPA_ABORTED
 * @example
 * const model = await trainTwoRoom(7, { onEvent: (event) => event.type === 'step' && console.log(event.step, event.metrics.loss) });
 * await model.save('two-room.jepa');
 */
export async function trainTwoRoom(seed: number, options: TrainTwoRoomOptions = {}): Promise<WorldModel> {
  const { steps = twoRoomSteps } = options;
  const model = twoRoomModel(seed);
  const source = { seed, imageSize };
  const last = Array.from({ length: 8 }, (_, index) => twoRoomTrainingBatch(source, steps + index));
  await trainTwoRoomModel('trainTwoRoom', model, new TwoRoomDataset(source), last, { ...options, steps });
  return model;
}

/** Successes in percent, floors and ceiling beside them; see docs/results.md. */
export interface PlanningResults {
  readonly twoRoom: {
    readonly success: number;
    /** The pairs whose start and goal lie in different rooms. */
    readonly otherRoom: number;
    readonly random: number;
    readonly standStill: number;
    /** The same search on the true simulator with straight-line distance. */
    readonly oracle: number;
    readonly episodes: number;
    readonly planMilliseconds: { readonly p50: number; readonly p95: number };
  };
  /** Start and goal in different rooms, 100 steps. */
  readonly twoRoomHard: {
    readonly success: number;
    /** The same search straight to the goal, without waypoints: greedy over 25 steps, as the oracle is. */
    readonly straight: number;
    readonly random: number;
    readonly oracle: number;
    readonly episodes: number;
  };
}

export interface TwoRoomEvaluationOptions {
  readonly seed: number;
  /** 'validation' to choose settings by, 'test' to report. */
  readonly split: 'validation' | 'test';
  /** Pairs of the seed (default 200). */
  readonly ownPairs?: number;
  /** Pairs with start and goal in different rooms (default 100). */
  readonly hardPairs?: number;
  /** Whether the 200 published pairs count too (default true). */
  readonly published?: boolean;
  /** Where to go first (default: those of {@link trainTwoRoomWaypoints}, made here, which takes seconds). */
  readonly waypoints?: Waypoints;
  readonly signal?: AbortSignal;
  /** Told after each episode that was planned how many are over, of how many: those of the hard protocol are walked twice, with and without waypoints. */
  readonly onEpisode?: (over: number, episodes: number) => void;
}

/**
 * Both protocols, with one planner: the published pairs and those of the seed, then pairs with start and goal in different rooms.
 * @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_ABORTED by the signal
 * @example const { twoRoom, twoRoomHard } = await evaluateTwoRoom(model, { seed: 7, split: 'test' });
 */
export async function evaluateTwoRoom(model: WorldModel, options: TwoRoomEvaluationOptions): Promise<PlanningResults> {
  const { pairs, hard } = pairsOf(options);
  const { seed, signal } = options;
  const { planned, hardEpisodes, straight } = await plannedEpisodes(model, pairs, hard, options);
  const rate = async (which: GoalPairs, policy: Policy): Promise<number> =>
    100 * successRate(await policyEpisodes('evaluateTwoRoom', which, policy, signal));
  return {
    twoRoom: {
      success: 100 * successRate(planned.first),
      otherRoom: 100 * successRate(planned.first, needsDoor(pairs)),
      random: await rate(pairs, randomActions(seed)),
      standStill: await rate(pairs, standStill),
      oracle: await rate(pairs, simulatorOracle(seed)),
      episodes: pairs.count,
      planMilliseconds: planTimes(planned.planMilliseconds),
    },
    twoRoomHard: {
      success: 100 * successRate(hardEpisodes.first),
      straight: 100 * successRate(straight.first),
      random: await rate(hard, randomActions(seed)),
      oracle: await rate(hard, simulatorOracle(seed)),
      episodes: hard.count,
    },
  };
}

const optionNames = ['seed', 'split', 'ownPairs', 'hardPairs', 'published', 'waypoints', 'signal', 'onEpisode'];

/** The pairs of both protocols. @throws JepaError ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_INVALID_ARGUMENT */
function pairsOf(options: TwoRoomEvaluationOptions): Record<'pairs' | 'hard', GoalPairs> {
  checkOptions('evaluateTwoRoom', options, optionNames);
  const { seed, split, ownPairs = 200, hardPairs = 100, published = true } = options;
  for (const [name, count, least] of [
    ['ownPairs', ownPairs, published ? 0 : 1],
    ['hardPairs', hardPairs, 1],
  ] as const)
    if (!Number.isInteger(count) || count < least)
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[evaluateTwoRoom] expected ${name} to be a whole number from ${least}, got ${count}`,
      );
  const sets = [
    ...(published ? [publishedPairs()] : []),
    ...(ownPairs > 0 ? [goalPairs({ split, seed, count: ownPairs })] : []),
  ];
  return { pairs: together(sets), hard: hardGoalPairs({ split, seed, count: hardPairs }) };
}

/** What the planner does: between the pairs, and between the hard ones with waypoints and without. */
async function plannedEpisodes(
  model: WorldModel,
  pairs: GoalPairs,
  hard: GoalPairs,
  { seed, waypoints: given, signal, onEpisode }: TwoRoomEvaluationOptions,
): Promise<Record<'planned' | 'hardEpisodes' | 'straight', EpisodeResults>> {
  const trained = given ? undefined : await trainTwoRoomWaypoints(model, { seed, signal });
  const waypoints = given ?? trained?.waypoints;
  let over = 0;
  const counted = {
    signal,
    onEpisode: () => {
      over++;
      onEpisode?.(over, pairs.count + 2 * hard.count);
    },
  };
  try {
    return {
      planned: await planEpisodes(model, pairs, seed, { ...counted, waypoints }),
      hardEpisodes: await planEpisodes(model, hard, seed, { ...counted, waypoints }),
      straight: await planEpisodes(model, hard, seed, counted),
    };
  } finally {
    trained?.distance.dispose();
  }
}

function together(sets: readonly GoalPairs[]): GoalPairs {
  const count = sets.reduce((total, set) => total + set.count, 0);
  const both = (key: 'starts' | 'goals'): Float32Array => joined(sets.map((set) => set[key]));
  return { count, starts: both('starts'), goals: both('goals'), budget: sets[0].budget };
}
