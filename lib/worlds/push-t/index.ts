export { PushT, type PushTOptions } from './environment.js';
export { collect, drawState, playEpisode } from './episodes.js';
export { reached, stateDistance } from './goal.js';
export { drawTable } from './picture.js';
export { PushTSimulation } from './simulation.js';
export { stateNames, tableSize } from './table.js';
