import type { Clips } from '../../data/clips.js';
import { pi, sinCos } from '../arithmetic.js';
import { inParts } from '../in-parts.js';
import { Random } from '../random.js';
import { collect, makeFor } from './episodes.js';
import { drawTable } from './picture.js';
import { PushTSimulation } from './simulation.js';
import { centreOfMass, stateSize, tableSize } from './table.js';

/** Tables of a group. */
export const twinGroupSize = 4;

/** px of the agent from the block's centre of mass: near, and clear of the block however it lies. */
const begun = [92, 125] as const;
/** px that a push aims beyond the centre of mass, and beside it. */
const beyond = 60;
const beside = 45;
/** Share of groups that are pushed through; in the others the agent moves at random near the block. */
const pushed = 0.6;

/** Tables that differ in nothing but the block's angle, and what is done on all of them alike. */
export interface TwinGroup {
  /** [twinGroupSize, frames, 7] */
  readonly states: Float32Array;
  /** [frames, blockSteps · 2] */
  readonly actions: Float32Array;
}

export interface RecordTwinsOptions {
  readonly seed: number;
  readonly groups: number;
  /** Frames of a clip, and actions from one to the next. */
  readonly frames: number;
  readonly blockSteps: number;
  readonly signal?: AbortSignal;
}

/**
 * Groups of counterfactual twins: the block's centre of mass, the agent and its actions are the same, only the way the block lies
 * is not. Nothing but its angle tells what will come of them.
 * @throws JepaError ERR_JEPA_ABORTED
 * @example const [group] = await pushT.recordTwins({ seed: 1, groups: 1, frames: 6, blockSteps: 5 });
 */
export function recordTwins({ seed, groups, signal, ...clip }: RecordTwinsOptions): Promise<TwinGroup[]> {
  return inParts('recordTwins', groups, (index) => playTwins(new Random(seed, `push-t twins ${index}`), clip), signal);
}

function playTwins(
  random: Random,
  { frames, blockSteps }: Pick<RecordTwinsOptions, 'frames' | 'blockSteps'>,
): TwinGroup {
  const { agent, centre, aim, speed } = start(random);
  const [size, first] = [frames * stateSize, random.uniform(0, 2 * pi)];
  const states = new Float32Array(twinGroupSize * size);
  const actions = new Float32Array(frames * blockSteps * 2);
  for (let twin = 0; twin < twinGroupSize; twin++) {
    const angle = first + ((twin + random.uniform(-0.4, 0.4)) * 2 * pi) / twinGroupSize;
    const { sin, cos } = sinCos(angle);
    const simulation = new PushTSimulation();
    const [x, y] = [centre[0] + sin * centreOfMass, centre[1] - cos * centreOfMass];
    simulation.place(Float32Array.of(...agent, x, y, angle, 0, 0));
    const state = new Float32Array(stateSize);
    simulation.read(state);
    for (let step = 0; step < frames * blockSteps; step++) {
      if (step % blockSteps === 0) states.set(state, twin * size + (step / blockSteps) * stateSize);
      // What is done is decided on the first table.
      if (twin === 0 && aim) makeFor(aim, speed, state, random, actions, 2 * step);
      else if (twin === 0) collect(state, random, actions, 2 * step);
      simulation.step(actions[2 * step], actions[2 * step + 1]);
      simulation.read(state);
    }
  }
  return { states, actions };
}

type Place = readonly [x: number, y: number];

function start(random: Random): { agent: Place; centre: Place; aim?: Place; speed: number } {
  for (;;) {
    const centre: Place = [random.uniform(110, 400), random.uniform(110, 400)];
    const { sin, cos } = sinCos(random.uniform(0, 2 * pi));
    const distance = random.uniform(...begun);
    const agent: Place = [centre[0] + distance * cos, centre[1] + distance * sin];
    const across = random.uniform(-beside, beside);
    const aim: Place = [centre[0] - beyond * cos - across * sin, centre[1] - beyond * sin + across * cos];
    const speed = random.uniform(0.2, 0.8);
    if (Math.min(...agent) < 30 || Math.max(...agent) > tableSize - 30) continue;
    return { agent, centre, speed, ...(random.chance(pushed) ? { aim } : {}) };
  }
}

/** Clips of which the last groups·size are groups of twins, as `WorldModelTraining` takes them. */
export interface ClipsWithTwins extends Clips<Uint8Array> {
  readonly twins: { readonly groups: number; readonly size: number; readonly costs: Float32Array };
}

/** Clips with some groups of twins at their end. No cost tells outcomes apart. */
export function joinTwins(clips: Clips<Uint8Array>, groups: readonly TwinGroup[], imageSize: number): ClipsWithTwins {
  const { frames } = clips;
  const twins = groups.length * twinGroupSize;
  const picture = imageSize * imageSize * 3;
  const observations = new Uint8Array(clips.observations.length + twins * frames * picture);
  const actions = new Float32Array(clips.actions.length + (twins * clips.actions.length) / clips.clips);
  observations.set(clips.observations);
  actions.set(clips.actions);
  let [seen, done] = [clips.observations.length, clips.actions.length];
  for (const group of groups)
    for (let twin = 0; twin < twinGroupSize; twin++) {
      for (let frame = 0; frame < frames; frame++, seen += picture)
        drawTable(observations, seen, imageSize, group.states, (twin * frames + frame) * stateSize);
      actions.set(group.actions, done);
      done += group.actions.length;
    }
  const costs = new Float32Array(groups.length * twinGroupSize * twinGroupSize);
  return {
    clips: clips.clips + twins,
    frames,
    observations,
    actions,
    twins: { groups: groups.length, size: twinGroupSize, costs },
  };
}
