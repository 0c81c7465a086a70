export * as bucket from './bucket/index.js';
export { type CheckEnvironmentOptions, checkEnvironment } from './check-environment.js';
export type { Awaitable, Environment, Frame, Info, ResetOptions, ResetResult, StepResult } from './environment.js';
export type {
  ForeseeableEnvironment,
  GoalEnvironment,
  GoalEpisode,
  GoalEpisodesOptions,
} from './goal-environment.js';
export * as pendulum from './pendulum/index.js';
export * as physics from './physics/index.js';
export { PicturedWorld, type PicturedWorldOptions, type View } from './pictured-world.js';
export * as pldmTwoRoom from './pldm-two-room/index.js';
export * as pushT from './push-t/index.js';
export { Random } from './random.js';
export {
  type BoxSpace,
  box,
  contains,
  type DictSpace,
  type DiscreteSpace,
  dict,
  discrete,
  type ObservationSpace,
  type ObservationValue,
  type Space,
  type SpaceValue,
  sample,
  spaceSize,
} from './space.js';
export * as twoRoom from './two-room/index.js';
