import type { Episodes } from '../../data/episodes.js';
import { pi, sinCos } from '../arithmetic.js';
import { drawnEpisodes } from '../drawn-episodes.js';
import type { GoalEpisode, GoalEpisodesOptions } from '../goal-environment.js';
import { inParts } from '../in-parts.js';
import { Random } from '../random.js';
import { collect, makeFor, type Played, playEpisode } from './episodes.js';
import { reached } from './goal.js';
import { drawTable } from './picture.js';
import { blockCentre, frameRate, stateSize, tableSize } from './table.js';

/** Steps from a start to its goal, and those that are allowed. */
const ahead = 25;
const budget = 2 * ahead;
/** Steps of an episode, and of the part before a start, in which a model with a memory sees how things move. */
const episodeSteps = 80;
const leastBefore = 10;

/** px from the block's centre of mass from which a push begins, and how far it leads beyond that centre. */
const approach = [90, 115] as const;
const through = [-40, 60] as const;
/** px beside the centre of mass that a push aims: it turns the block. */
const beside = 45;
/** px from a place where the next part of a push begins. */
const arrived = 12;

/**
 * A policy that pushes on purpose: to a place beside the block, then through it, at a speed of its own, again and again. A fifth of its
 * steps are random. It knows true states, as whoever demonstrates does.
 */
function pushing(random: Random): typeof collect {
  let way: (readonly [x: number, y: number])[] = [];
  let speed = 1;
  return (state, _, action, at = 0) => {
    if (way.length === 0) {
      const direction = sinCos(random.uniform(0, 2 * pi));
      const centre = blockCentre(state);
      const place = (along: number, across: number) =>
        [
          centre.x + along * direction.cos - across * direction.sin,
          centre.y + along * direction.sin + across * direction.cos,
        ] as const;
      const across = random.uniform(-beside, beside);
      way = [place(-random.uniform(...approach), across), place(random.uniform(...through), across)];
      if (way.some(([x, y]) => Math.min(x, y) < 30 || Math.max(x, y) > tableSize - 30)) way = [];
      speed = random.uniform(0.2, 0.8);
    }
    const [x, y] = way[0] ?? [tableSize / 2, tableSize / 2];
    const [dx, dy] = [x - state[0], y - state[1]];
    const distance = Math.sqrt(dx * dx + dy * dy);
    if (distance < arrived || random.chance(0.02)) way.shift();
    if (random.chance(0.2)) action.set([random.uniform(-1, 1), random.uniform(-1, 1)], at);
    else makeFor([x, y], speed, state, random, action, at);
  };
}

function play(seed: number, stream: string, index: number): Played {
  const random = new Random(seed, `push-t ${stream} ${index}`);
  return playEpisode(random, episodeSteps, random.chance(0.5) ? collect : pushing(random));
}

export interface RecordPushesOptions {
  readonly seed: number;
  /** Episodes of 81 frames: some 8 ms each. */
  readonly count: number;
  /** px (default 64) */
  readonly imageSize?: number;
  readonly signal?: AbortSignal;
}

/**
 * Recordings to learn from: half of random motion near the block, half of pushes to and fro, with noise.
 * @throws JepaError ERR_JEPA_ABORTED
 * @example
 * const episodes = await pushT.recordPushes({ seed: 1, count: 4 });
 * episodes.lengths; // [81, 81, 81, 81]
 */
export async function recordPushes({ seed, count, imageSize = 64, signal }: RecordPushesOptions): Promise<Episodes> {
  const played = await inParts('recordPushes', count, (index) => play(seed, 'train', index), signal);
  return drawnEpisodes({
    imageSize,
    frameRate,
    actionSize: 2,
    actions: played.map(({ actions }) => Float32Array.from([...actions, 0, 0])),
    draw: (data, offset, episode, frame) =>
      drawTable(data, offset, imageSize, played[episode].states, stateSize * frame),
  });
}

/** An episode of an evaluation, and whether its block has to be moved. */
export interface PushTEpisode extends GoalEpisode {
  readonly push: boolean;
}

/**
 * The protocol of stable-worldmodel on recordings of these policies that were not learnt from: the goal is the state 25 steps later, 50 are
 * allowed. What was done before the start is done again, so that the table is as it was. Pairs that stand at the goal already are left out.
 * @example const episodes = pushT.pushTEpisodes({ split: 'test', seed: 0, count: 50 });
 */
export function pushTEpisodes({ split, seed, count }: GoalEpisodesOptions): PushTEpisode[] {
  const list: PushTEpisode[] = [];
  for (let index = 0; list.length < count; index++) {
    const { placed: begun, states, actions } = play(seed, split, index);
    const start =
      leastBefore + new Random(seed, `push-t ${split} start ${index}`).below(episodeSteps - ahead - leastBefore);
    const state = (step: number) => states.slice(stateSize * step, stateSize * (step + 1));
    const [from, goal] = [state(start), state(start + ahead)];
    if (reached(from, goal)) continue;
    const walked = Float32Array.of(goal[0], goal[1], ...from.subarray(2));
    list.push({
      reset: { options: { state: begun, goal } },
      before: actions.slice(0, 2 * start),
      budget,
      push: !reached(walked, goal),
    });
  }
  return list;
}
