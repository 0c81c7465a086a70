import { JepaError } from '../errors.js';
import { type Share, shareOf } from '../eval/statistics.js';
import { joined } from '../io/joined.js';
import { checkOptions } from '../io/options.js';
import { type Tensor, tensor } from '../tensor/index.js';
import type { WorldModel } from '../world-model/world-model.js';
import type { Info } from '../worlds/environment.js';
import type { GoalEnvironment, GoalEpisode } from '../worlds/goal-environment.js';
import type { BoxSpace } from '../worlds/space.js';
import { Planner, type PlannerOptions } from './planner.js';
import { expectWhole, refuse } from './settings.js';

/** What is seen is pictures, what is done is numbers. */
export type PictureWorld = GoalEnvironment<Uint8Array, Float32Array>;

/** What somebody sees who decides: nothing of the simulator's state. */
export interface Seen {
  /** [T, H, W, C] the last frames, a block of actions apart, oldest first; the first one again where there were fewer */
  readonly frames: Tensor;
  /** [T − 1, blockSteps · A] the actions between them, zeros before the first frame; none where T is 1 */
  readonly actions?: Tensor;
  /** [H, W, C] what is wanted: the same tensor throughout an episode */
  readonly goal: Tensor;
  /** Numbers of the block that is decided on, and of the episode. */
  readonly block: number;
  readonly episode: number;
}

/** Decides on a block of actions [blockSteps · A]; what lies beyond the world's bounds is brought within. */
export type DecideBlock = (seen: Seen) => Promise<ArrayLike<number>> | ArrayLike<number>;

export interface PlayOptions {
  /** Actions of a block. */
  readonly blockSteps: number;
  readonly signal?: AbortSignal;
  /** Told of the true state after each step, for pictures of the way: never seen by who decides. */
  readonly onStep?: (episode: number, info: Info) => void;
  /** Told after each episode how many are over. */
  readonly onEpisode?: (over: number) => void;
}

const playOptions = ['blockSteps', 'signal', 'onStep', 'onEpisode'];

/**
 * Plays episodes with goals: shows pictures, carries out block by block what is decided. An episode ends with its success.
 * @param frames how many are shown   @returns [episodes] step of the success, −1 if never
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_ABORTED
 * @example
 * const world = new pendulum.Pendulum();
 * const episodes = pendulum.pendulumEpisodes({ task: 'hold', split: 'validation', seed: 0, count: 20 });
 * const first = await playGoalEpisodes(world, episodes, ({ block }) => [block % 2, 0], 1, { blockSteps: 2 });
 */
export async function playGoalEpisodes(
  world: PictureWorld,
  episodes: readonly GoalEpisode[],
  decide: DecideBlock,
  frames: number,
  options: PlayOptions,
): Promise<Int32Array> {
  checkOptions('playGoalEpisodes', options, playOptions);
  const { blockSteps, signal, onStep, onEpisode } = options;
  expectWhole('playGoalEpisodes', { frames, blockSteps });
  const space = world.actionSpace as BoxSpace;
  const { shape } = world.observationSpace as BoxSpace;
  const [actionSize] = space.shape;
  const first = new Int32Array(episodes.length).fill(-1);
  for (const [episode, { reset, before, budget }] of episodes.entries()) {
    if (signal?.aborted)
      throw new JepaError('ERR_JEPA_ABORTED', '[playGoalEpisodes] stopped by its signal', { cause: signal.reason });
    let { observation } = await world.reset(reset);
    /** Carries out some actions; the number of the step that reached the goal, or 0. */
    const carryOut = async (actions: Float32Array): Promise<number> => {
      for (let step = 1; step * actionSize <= actions.length; step++) {
        const result = await world.step(actions.slice((step - 1) * actionSize, step * actionSize));
        observation = result.observation;
        onStep?.(episode, result.info ?? {});
        if (result.terminated) return step;
      }
      return 0;
    };
    // What does not fill a block happens before the first frame that counts.
    const size = actionSize * blockSteps;
    const odd = before.length % size;
    await carryOut(before.slice(0, odd));
    const seen = new Array<Uint8Array>(frames).fill(observation);
    const done = new Array<Float32Array>(frames).fill(new Float32Array(size));
    for (let at = odd; at < before.length; at += size) {
      const block = before.slice(at, at + size);
      await carryOut(block);
      seen.push(observation);
      done.push(block);
    }
    const goal = tensor(await world.goalObservation(), { shape });
    for (let step = 0, block = 0; step < budget && first[episode] < 0; step += blockSteps, block++) {
      const decided = await decide({
        frames: tensor(joined(seen.slice(-frames)), { shape: [frames, ...shape] }),
        ...(frames > 1 ? { actions: tensor(joined(done.slice(1 - frames)), { shape: [frames - 1, size] }) } : {}),
        goal,
        block,
        episode,
      });
      const actions = within(space, decided, size);
      const success = await carryOut(actions.subarray(0, (budget - step) * actionSize));
      if (success > 0) first[episode] = step + success;
      seen.push(observation);
      done.push(actions);
    }
    onEpisode?.(episode + 1);
  }
  return first;
}

/** How many of the episodes succeeded. @param first [episodes] step of the success, −1 if never */
export function successShare(first: Int32Array): Share {
  return shareOf(first.filter((step) => step >= 0).length, first.length);
}

function within({ low, high }: BoxSpace, actions: ArrayLike<number>, size: number): Float32Array {
  const side = (bounds: number | readonly number[], at: number): number =>
    typeof bounds === 'number' ? bounds : bounds[at % bounds.length];
  return Float32Array.from({ length: size }, (_, at) => Math.max(side(low, at), Math.min(side(high, at), actions[at])));
}

/** What a planner did in some episodes. */
export interface EpisodeResults {
  /** [episodes] step of the first success, −1 if never. */
  readonly first: Int32Array;
  readonly planMilliseconds: readonly number[];
}

export interface PlanGoalEpisodesOptions extends PlayOptions {
  readonly planner: PlannerOptions;
  /** Blocks of a plan that are carried out before the next (default 1); Infinity plans once, and rests when the plan is used up. */
  readonly replanEvery?: number;
  /**
   * Plans are a block shorter each time until they are this long (default: the planner's horizon, always), so that a goal is met when
   * the first plan would have met it.
   */
  readonly leastHorizon?: number;
}

/**
 * Plans from pictures in any world that has goals; an episode ends with its success.
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_ABORTED
 * @example
 * const world = new pendulum.Pendulum();
 * const episodes = pendulum.pendulumEpisodes({ task: 'swing up', split: 'validation', seed: 0, count: 20 });
 * const { first } = await planGoalEpisodes(model, world, episodes, { blockSteps: 2, planner: { horizon: 15, bounds: [-2, 2] } });
 */
export async function planGoalEpisodes(
  model: WorldModel,
  world: PictureWorld,
  episodes: readonly GoalEpisode[],
  options: PlanGoalEpisodesOptions,
): Promise<EpisodeResults> {
  checkOptions('planGoalEpisodes', options, ['planner', 'replanEvery', 'leastHorizon', ...playOptions]);
  const { planner: search, replanEvery = 1, leastHorizon, ...play } = options;
  expectWhole('planGoalEpisodes', { blockSteps: play.blockSteps });
  const once = replanEvery === Number.POSITIVE_INFINITY;
  const horizon = search.horizon ?? 5;
  const least = leastHorizon ?? horizon;
  if (!(Number.isInteger(least) && least >= 1 && least <= horizon))
    refuse('planGoalEpisodes', `leastHorizon from 1 to ${horizon}`, leastHorizon);
  if (!once && !(Number.isInteger(replanEvery) && replanEvery >= 1 && replanEvery <= least))
    refuse('planGoalEpisodes', `replanEvery from 1 to ${least}, or Infinity`, replanEvery);
  const planners = Array.from(
    { length: horizon - least + 1 },
    (_, shorter) => new Planner(model, { ...search, horizon: horizon - shorter }),
  );
  const size = model.config.action.size;
  const planMilliseconds: number[] = [];
  let plan = new Float32Array(0);
  const first = await playGoalEpisodes(
    world,
    episodes,
    async ({ frames, actions, goal, block, episode }) => {
      if (block === 0) for (const planner of planners) planner.reset(episode * episodes[episode].budget);
      if (block % replanEvery === 0) {
        const start = performance.now();
        const executed = once ? 0 : replanEvery;
        const planner = planners[Math.min(block, planners.length - 1)];
        plan = Float32Array.from(
          (await planner.plan(frames, goal, { actions, executed, signal: play.signal })).actions,
        );
        planMilliseconds.push(performance.now() - start);
      }
      const at = (block % replanEvery) * size;
      return at < plan.length ? plan.subarray(at, at + size) : new Float32Array(size);
    },
    model.config.contextFrames,
    play,
  ).finally(() => {
    for (const planner of planners) planner.dispose();
  });
  return { first, planMilliseconds };
}
