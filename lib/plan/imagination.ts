import { broadcastTo, isFinite as finite, reshape, slice, unsqueeze, where } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import type { Constraints, Dynamics, Objective, PlanState } from './contract.js';

/** What a search looks for, and where. */
export interface Task<State extends PlanState = PlanState> {
  readonly dynamics: Dynamics<State>;
  readonly objective: Objective;
  readonly constraints?: Constraints;
}

/** Plans [B, S, W] and what comes of them; W is horizon × actionSize. */
export type Evaluate = (plans: Tensor) => {
  /** [B, S]; infinite where the imagined cost is not finite, so that such a plan is never chosen. */
  readonly costs: Tensor;
  /** [B, S, C] */
  readonly excess?: Tensor;
};

/** Imagines plans from a state of B rows towards goals [B, D]. */
export function imagination<State extends PlanState>(
  { dynamics, objective, constraints }: Task<State>,
  state: State,
  goal: Tensor,
): Evaluate {
  return (plans) => {
    const [problems, samples, width] = plans.shape;
    const { actionSize } = dynamics;
    const rows = reshape(plans, [problems * samples, width]);
    let current = Object.fromEntries(
      Object.entries(state).map(([name, value]) => [name, repeated(value, samples)]),
    ) as unknown as State;
    const trajectory: Tensor[] = [];
    for (let at = 0; at < width; at += actionSize) {
      current = dynamics.step(current, slice(rows, 1, at, at + actionSize));
      trajectory.push(dynamics.position(current));
    }
    const wanted = problems === 1 ? goal : repeated(goal, samples);
    const actions = reshape(rows, [problems * samples, width / actionSize, actionSize]);
    const costs = reshape(objective.cost(trajectory, wanted, actions), [problems, samples]);
    const excess =
      constraints && reshape(constraints.excess(trajectory, wanted, actions), [problems, samples, constraints.count]);
    return { costs: where(finite(costs), costs, Number.POSITIVE_INFINITY), excess };
  };
}

/** The state after actions [B, number, actionSize]. */
export function advanced<State extends PlanState>(dynamics: Dynamics<State>, state: State, actions: Tensor): State {
  const [problems, count, size] = actions.shape;
  let current = state;
  for (let step = 0; step < count; step++)
    current = dynamics.step(current, reshape(slice(actions, 1, step, step + 1), [problems, size]));
  return current;
}

/** Every row [B, ...] so many times: [B·S, ...]. */
function repeated(x: Tensor, times: number): Tensor {
  const [problems, ...rest] = x.shape;
  if (problems === 1) return broadcastTo(x, [times, ...rest]);
  return reshape(broadcastTo(unsqueeze(x, 1), [problems, times, ...rest]), [problems * times, ...rest]);
}
