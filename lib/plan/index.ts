export { type CemOptions, CemSolver } from './cem.js';
export type { Dynamics, Objective, PlanState, Problem, Solution, Solver } from './contract.js';
export { type LatentState, latentDynamics } from './latent-dynamics.js';
export { distanceAlongHorizon, distanceAtEnd } from './objective.js';
export { Planner, type PlannerOptions } from './planner.js';
export {
  type EpisodeResults,
  evaluateTwoRoom,
  type PlanningResults,
  planEpisodes,
  type TwoRoomEvaluationOptions,
  trainTwoRoom,
  twoRoomModel,
  twoRoomSearch,
  twoRoomSteps,
} from './two-room.js';
