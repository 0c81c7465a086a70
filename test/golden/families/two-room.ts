import { twoRoom } from '#lib/worlds/index.js';
import type { GoldenCall } from '../case.js';
import { numbersOf, type Verdict, verdict } from '../compare.js';
import type { Family } from './index.js';

/** The environment's cases: motion, expert, pictures, and the protocol of reaching a state 25 steps ahead. */
export const runTwoRoom: Family = async (call) => {
  if (call.tensors.has('input.random_action')) return { composed: [], tensors: protocol(call) };
  if (call.options.scenes) return { composed: [], tensors: pictures(call) };
  if (call.tensors.has('input.action')) return { composed: [], tensors: motion(call) };
  if (call.tensors.has('output.action')) return { composed: [], tensors: expert(call) };
  throw new Error(`case '${call.name}' is not known to this library`);
};

const given = (call: GoldenCall, name: string): Float32Array => {
  const host = call.tensors.get(name);
  if (!host) throw new Error(`the case has no tensor '${name}'`);
  return Float32Array.from(numbersOf(host));
};
const shapeOf = (call: GoldenCall, name: string): readonly number[] => call.tensors.get(name)?.shape ?? [];
const compared = (call: GoldenCall, name: string, actual: ArrayLike<number>): Verdict =>
  verdict(call, name, actual, given(call, name), 'output');

/** The room of an episode, from tensors of one row an episode. */
function roomOf(call: GoldenCall, episode: number): twoRoom.Room {
  const value = (name: string): number => given(call, `input.${name}`)[episode];
  const most = given(call, 'input.door_size').length / given(call, 'input.doors').length;
  return {
    radius: value('radius'),
    speed: value('speed'),
    wall: value('wall_axis') === 1 ? 'vertical' : 'horizontal',
    wallThickness: value('wall_thickness'),
    doors: Array.from({ length: value('doors') }, (_, door) => ({
      position: given(call, 'input.door_position')[episode * most + door],
      halfExtent: given(call, 'input.door_size')[episode * most + door],
    })),
  };
}

function motion(call: GoldenCall): Verdict[] {
  const actions = given(call, 'input.action');
  const [episodes, steps] = shapeOf(call, 'input.action');
  const positions: number[] = [];
  const distances: number[] = [];
  const terminated: number[] = [];
  for (let episode = 0; episode < episodes; episode++) {
    const room = roomOf(call, episode);
    const place = given(call, 'input.start').slice(2 * episode, 2 * episode + 2);
    const [x, y] = given(call, 'input.goal').subarray(2 * episode);
    positions.push(...place);
    for (let step = 0; step < steps; step++) {
      const at = 2 * (episode * steps + step);
      twoRoom.move(room, place, actions.subarray(at, at + 2));
      positions.push(...place);
      const far = Math.sqrt((place[0] - x) ** 2 + (place[1] - y) ** 2);
      distances.push(far);
      terminated.push(Number(far < twoRoom.successDistance));
    }
  }
  return [
    compared(call, 'output.position', positions),
    compared(call, 'output.distance', distances),
    compared({ ...call, compare: 'equal' }, 'output.terminated', terminated),
  ];
}

/** The rooms that the case describes in words: the default one, then two doors of which one is too narrow. */
const expertRoom = (episode: number): twoRoom.Room =>
  episode < 10
    ? twoRoom.defaultRoom
    : {
        ...twoRoom.defaultRoom,
        wall: episode % 2 === 1 ? 'vertical' : 'horizontal',
        wallThickness: 14,
        doors: [
          { position: 170, halfExtent: 6 },
          { position: 90, halfExtent: 15 },
        ],
      };

/** In closed loop from the golden positions: near its goal the expert oscillates, and rounding would grow from step to step. */
function expert(call: GoldenCall): Verdict[] {
  const expected = given(call, 'output.position');
  const [episodes, steps] = shapeOf(call, 'output.action');
  const actions: number[] = [];
  const positions: number[] = [];
  const action = new Float32Array(2);
  for (let episode = 0; episode < episodes; episode++) {
    const goal = given(call, 'input.goal').subarray(2 * episode, 2 * episode + 2);
    positions.push(...given(call, 'input.start').subarray(2 * episode, 2 * episode + 2));
    for (let step = 0; step < steps; step++) {
      const at = 2 * (episode * (steps + 1) + step);
      const place = expected.slice(at, at + 2);
      twoRoom.expertAction(expertRoom(episode), place, 0, goal, 0, action);
      twoRoom.move(expertRoom(episode), place, action);
      actions.push(...action);
      positions.push(...place);
    }
  }
  return [compared(call, 'output.action', actions), compared(call, 'output.position', positions)];
}

interface Scene {
  readonly radius: number;
  readonly speed: number;
  readonly axis: number;
  readonly thickness: number;
  readonly doors: number;
  readonly size: readonly number[];
  readonly position: readonly number[];
  readonly agent: readonly [number, number];
  readonly target: readonly [number, number];
  readonly render_target: boolean;
}

function pictures(call: GoldenCall): Verdict[] {
  const { scenes, tolerance } = call.options as unknown as {
    scenes: readonly Scene[];
    tolerance: Record<string, number>;
  };
  const greyLevels = (name: string, actual: readonly number[]): Verdict => {
    const expected = given(call, name);
    const error = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i])), 0);
    const pass = actual.length === expected.length && error <= tolerance[name];
    return { name, error, tolerance: tolerance[name], pass };
  };
  const frames: number[] = [];
  const small: number[] = [];
  for (const { radius, speed, axis, thickness, doors, size, position, agent, target, render_target } of scenes) {
    const room: twoRoom.Room = {
      radius,
      speed,
      wall: axis === 1 ? 'vertical' : 'horizontal',
      wallThickness: thickness,
      doors: Array.from({ length: doors }, (_, k) => ({ position: position[k], halfExtent: size[k] })),
    };
    const frame = twoRoom.drawRoom(room, agent, render_target ? target : undefined);
    for (const value of frame) frames.push(value);
    for (const value of reduced(room, frame, agent, render_target)) small.push(value);
  }
  return [greyLevels('output.frames', frames), greyLevels('output.frames64', small)];
}

const smallSize = 64;

/** 64 × 64 as the library draws it; with the target, which its small pictures never show, by the triangle filter they are drawn through. */
function reduced(
  room: twoRoom.Room,
  frame: Uint8Array,
  [x, y]: readonly [number, number],
  withTarget: boolean,
): Uint8Array {
  const small = new Uint8Array(smallSize * smallSize * 3);
  if (!withTarget) {
    new twoRoom.RoomPicture(room, smallSize).draw(small, 0, x, y);
    return small;
  }
  const scale = twoRoom.worldSize / smallSize;
  const taps = Array.from({ length: smallSize }, (_, i) => {
    const weights = Array.from({ length: twoRoom.worldSize }, (_, j): [number, number] => [
      j,
      Math.max(0, 1 - Math.abs(j + 0.5 - (i + 0.5) * scale) / scale),
    ]).filter(([, weight]) => weight > 0);
    const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
    return weights.map(([j, weight]): [number, number] => [j, weight / total]);
  });
  // Rows first, then columns, each rounded to bytes as Pillow does.
  const world = twoRoom.worldSize;
  const narrow = new Uint8Array(world * smallSize * 3);
  const sum = (from: Uint8Array, weights: readonly [number, number][], place: (tap: number) => number): number =>
    Math.round(weights.reduce((total, [tap, weight]) => total + weight * from[place(tap)], 0));
  for (let row = 0; row < world; row++)
    for (let i = 0; i < 3 * smallSize; i++)
      narrow[row * 3 * smallSize + i] = sum(frame, taps[Math.floor(i / 3)], (tap) => (row * world + tap) * 3 + (i % 3));
  for (let row = 0; row < smallSize; row++)
    for (let i = 0; i < 3 * smallSize; i++)
      small[row * 3 * smallSize + i] = sum(narrow, taps[row], (tap) => tap * 3 * smallSize + i);
  return small;
}

function protocol(call: GoldenCall): Verdict[] {
  const [count, budget] = shapeOf(call, 'input.random_action');
  const pairs: twoRoom.GoalPairs = {
    count,
    starts: given(call, 'input.start'),
    goals: given(call, 'input.goal'),
    budget,
  };
  const policies: Record<string, twoRoom.Policy> = {
    random: twoRoom.givenActions(given(call, 'input.random_action'), budget),
    expert: twoRoom.expert,
    replay: twoRoom.givenActions(given(call, 'input.replay_action'), budget),
    still: twoRoom.standStill,
  };
  return Object.entries(policies).map(([name, policy]) =>
    compared({ ...call, compare: 'equal' }, `output.${name}_first_success`, twoRoom.firstSuccess(pairs, policy)),
  );
}
