export { PldmTwoRoom, type PldmTwoRoomOptions } from './environment.js';
export { type PlayedWalk, playWalk, pldmEpisodes, type RecordWalksOptions, recordWalks } from './episodes.js';
export { move } from './move.js';
export { PldmRoomPicture } from './picture.js';
export { type PldmRoom, pldmRoom, successDistance, worldSize } from './room.js';
export { drawWalk, type Walk } from './walks.js';
