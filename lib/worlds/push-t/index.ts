export { PushT, type PushTOptions } from './environment.js';
export { collect, drawState, type Played, playEpisode } from './episodes.js';
export { reached, stateDistance } from './goal.js';
export { drawTable } from './picture.js';
export { type PushTEpisode, pushTEpisodes, type RecordPushesOptions, recordPushes } from './recording.js';
export { PushTSimulation } from './simulation.js';
export { stateNames, tableSize } from './table.js';
export {
  type ClipsWithTwins,
  joinTwins,
  type RecordTwinsOptions,
  recordTwins,
  type TwinGroup,
  twinGroupSize,
} from './twins.js';
