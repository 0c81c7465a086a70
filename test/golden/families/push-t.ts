import { pushT } from '#lib/worlds/index.js';
import type { GoldenCall } from '../case.js';
import { numbersOf, type Verdict, verdict } from '../compare.js';
import type { Family } from './index.js';

const stateSize = pushT.stateNames.length;

/** The table's cases: given actions, the test of success, and the protocol of reaching a state 25 steps ahead. */
export const runPushT: Family = async (call) => {
  if (call.tensors.has('input.random_action')) return { composed: [], tensors: protocol(call) };
  if (call.tensors.has('input.action')) return { composed: [], tensors: motion(call) };
  if (call.tensors.has('output.success')) return { composed: [], tensors: success(call) };
  throw new Error(`case '${call.name}' is not known to this library`);
};

function given(call: GoldenCall, name: string): Float64Array {
  const host = call.tensors.get(name);
  if (!host) throw new Error(`the case has no tensor '${name}'`);
  return numbersOf(host);
}
const shapeOf = (call: GoldenCall, name: string): readonly number[] => call.tensors.get(name)?.shape ?? [];
const compared = (call: GoldenCall, name: string, actual: ArrayLike<number>): Verdict =>
  verdict(call, name, actual, given(call, name), 'output');
const equal = (call: GoldenCall, name: string, actual: ArrayLike<number>): Verdict =>
  compared({ ...call, compare: 'equal' }, name, actual);

/** As the original resets: the table is laid out as the goal first, then as the start. */
function motion(call: GoldenCall): Verdict[] {
  const [episodes, steps] = shapeOf(call, 'input.action');
  const [starts, goals] = [given(call, 'input.state'), given(call, 'input.goal_state')];
  const actions = given(call, 'input.action');
  const states = new Float64Array(episodes * (steps + 1) * stateSize);
  const terminated: number[] = [];
  const rewards: number[] = [];
  for (let episode = 0; episode < episodes; episode++) {
    const simulation = new pushT.PushTSimulation();
    simulation.place(goals, episode * stateSize);
    simulation.place(starts, episode * stateSize);
    for (let step = 0; step <= steps; step++) {
      const at = (episode * (steps + 1) + step) * stateSize;
      simulation.read(states, at);
      if (step > 0) {
        terminated.push(Number(pushT.reached(states, goals, at, episode * stateSize)));
        rewards.push(-pushT.stateDistance(states, goals, at, episode * stateSize));
      }
      const action = 2 * (episode * steps + step);
      if (step < steps) simulation.step(actions[action], actions[action + 1]);
    }
  }
  return [
    compared(call, 'output.state', states),
    equal(call, 'output.terminated', terminated),
    compared(call, 'output.reward', rewards),
  ];
}

function success(call: GoldenCall): Verdict[] {
  const [count] = shapeOf(call, 'input.state');
  const [states, goals] = [given(call, 'input.state'), given(call, 'input.goal_state')];
  const rows = Array.from({ length: count }, (_, row) => row * stateSize);
  const reached = rows.map((at) => Number(pushT.reached(states, goals, at)));
  const distances = rows.map((at) => pushT.stateDistance(states, goals, at));
  return [equal(call, 'output.success', reached), compared(call, 'output.distance', distances)];
}

function protocol(call: GoldenCall): Verdict[] {
  const [starts, goals] = [given(call, 'input.state'), given(call, 'input.goal_state')];
  return ['random', 'replay'].map((name) => {
    const [count, budget] = shapeOf(call, `input.${name}_action`);
    const actions = given(call, `input.${name}_action`);
    const state = new Float64Array(stateSize);
    const first = new Array<number>(count).fill(-1);
    for (let row = 0; row < count; row++) {
      const simulation = new pushT.PushTSimulation();
      simulation.place(starts, row * stateSize);
      for (let step = 0; step < budget && first[row] < 0; step++) {
        const at = 2 * (row * budget + step);
        simulation.step(actions[at], actions[at + 1]);
        simulation.read(state);
        if (pushT.reached(state, goals, 0, row * stateSize)) first[row] = step + 1;
      }
    }
    return equal(call, `output.${name}_first_success`, first);
  });
}
