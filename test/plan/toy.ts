import { add, mul, slice } from '#lib/ops/index.js';
import type { Dynamics } from '#lib/plan/index.js';
import type { Tensor } from '#lib/tensor/index.js';

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
