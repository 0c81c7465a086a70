export { type CheckEnvironmentOptions, checkEnvironment } from './check-environment.js';
export type { Awaitable, Environment, Frame, Info, ResetOptions, ResetResult, StepResult } from './environment.js';
export * as physics from './physics/index.js';
export * as pushT from './push-t/index.js';
export { Random } from './random.js';
export {
  type BoxSpace,
  box,
  contains,
  type DiscreteSpace,
  discrete,
  type Space,
  type SpaceValue,
  sample,
  spaceSize,
} from './space.js';
export * as twoRoom from './two-room/index.js';
