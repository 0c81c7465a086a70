export { TwoRoom, type TwoRoomOptions } from './environment.js';
export { type Episodes, playEpisodes } from './episodes.js';
export { expertAction } from './expert.js';
export { simulatorOracle } from './oracle.js';
export { drawRoom, RoomPicture } from './picture.js';
export {
  expert,
  firstSuccess,
  type GoalPairs,
  type GoalPairsOptions,
  givenActions,
  goalPairs,
  hardGoalPairs,
  needsDoor,
  type Policy,
  randomActions,
  standStill,
  successRate,
} from './protocol.js';
export { defaultRoom, move, type Room, successDistance, worldSize } from './room.js';
export {
  blockSize,
  frameSkip,
  type TwoRoomBatch,
  type TwoRoomBatchOptions,
  TwoRoomDataset,
  twoRoomTrainingBatch,
} from './training.js';
