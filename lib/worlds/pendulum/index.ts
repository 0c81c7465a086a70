export { Pendulum, type PendulumOptions } from './environment.js';
export { type PendulumEpisodesOptions, pendulumEpisodes } from './episodes.js';
