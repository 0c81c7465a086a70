import { add, matmul, mul, reshape, slice, sqrt, sub } from '#lib/ops/index.js';
import type { Dynamics } from '#lib/plan/index.js';
import type { Method } from '#lib/plan/method.js';
import { type Tensor, tensor } from '#lib/tensor/index.js';

/** A point in a plane that moves by half of its action: what to do is plain, what it costs too. */
export const point: Dynamics<{ readonly place: Tensor }> = {
  actionSize: 2,
  step: ({ place }, action) => ({ place: add(place, mul(action, 0.5)) }),
  position: ({ place }) => place,
};

/** A cart on a line with a velocity: actions are accelerations, so arriving and stopping needs a plan. */
export const cart: Dynamics<{ readonly place: Tensor; readonly velocity: Tensor }> = {
  actionSize: 1,
  step: ({ place, velocity }, action) => {
    const faster = add(velocity, action);
    return { place: add(place, faster), velocity: faster };
  },
  position: ({ place }) => place,
};

/** Two simple actions in one: the first axis of a block counts. */
export const blocks: Dynamics<{ readonly place: Tensor }> = {
  actionSize: 4,
  step: ({ place }, action) => ({ place: add(place, add(slice(action, 1, 0, 2), slice(action, 1, 2, 4))) }),
  position: ({ place }) => place,
};

/** A point on a grid that takes one of four steps an action: right, left, up, down. */
export const grid: Dynamics<{ readonly place: Tensor }> = {
  actionSize: 4,
  step: ({ place }, action) => ({
    place: add(
      place,
      matmul(
        action,
        tensor([
          [1, 0],
          [-1, 0],
          [0, 1],
          [0, -1],
        ]),
      ),
    ),
  }),
  position: ({ place }) => place,
};

/** A point on a line that is no number beyond 1: the root of what is below 0. */
export const cliff: Dynamics<{ readonly place: Tensor }> = {
  actionSize: 1,
  step: ({ place }, action) => {
    const next = add(place, action);
    return { place: add(next, mul(sqrt(add(mul(next, -1), 1)), 0)) };
  },
  position: ({ place }) => place,
};

/** A search without chance: one plan of two numbers, which are 1 after the first round, then −1, then −3. */
export const falling: Method = {
  name: 'Falling',
  horizon: 1,
  rounds: 3,
  seed: 0,
  distribution: 'normal',
  start: (first) => ({ plans: add(mul(first, 0), 3) }),
  round(memory, { evaluate }) {
    const plans = reshape(sub(memory.plans, 2), [-1, 1, 2]);
    return { memory: { plans: reshape(plans, [-1, 2]) }, plans, costs: evaluate(plans).costs };
  },
  plan: ({ plans }) => plans,
  within: (plans) => plans,
};
