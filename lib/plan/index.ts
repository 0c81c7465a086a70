export { type AugmentedLagrangianOptions, AugmentedLagrangianSolver } from './augmented-lagrangian.js';
export { bucketRecipe } from './bucket-model.js';
export { type CategoricalOptions, CategoricalSolver } from './categorical.js';
export { choicesOf } from './choices.js';
export type {
  Constraints,
  Dynamics,
  Objective,
  PlanState,
  Problem,
  Round,
  Solution,
  Solver,
  StepDistance,
  Waypoints,
} from './contract.js';
export { type Act, Controller, type ControllerOptions } from './controller.js';
export { type CemOptions, CemSolver, type IcemOptions, IcemSolver } from './cross-entropy.js';
export type { DescentRule } from './descent.js';
export {
  type EvaluatePlanningOptions,
  evaluatePlanning,
  type PlanningRows,
  type PlanningTask,
} from './evaluate-planning.js';
export {
  type DecideBlock,
  type EpisodeResults,
  type PictureWorld,
  type PlanGoalEpisodesOptions,
  type PlayOptions,
  planGoalEpisodes,
  playGoalEpisodes,
  type Seen,
} from './goal-episodes.js';
export { type GradientOptions, GradientSolver } from './gradient.js';
export { type Imitation, type ImitationOptions, trainImitation } from './imitation.js';
export { type LatentState, latentDynamics } from './latent-dynamics.js';
export { type MppiOptions, MppiSolver, type PredictiveSamplingOptions, PredictiveSamplingSolver } from './mppi.js';
export { distanceAlongHorizon, distanceAtEnd, distanceTowardsEnd } from './objective.js';
export { pendulumRecipe } from './pendulum-model.js';
export { Planner, type PlannerCall, type PlannerOptions } from './planner.js';
export {
  evaluatePldmTwoRoom,
  type PldmTwoRoomEvaluationOptions,
  type PldmTwoRoomResults,
  pldmTwoRoomModel,
  pldmTwoRoomSteps,
  trainPldmTwoRoom,
} from './pldm-two-room.js';
export { type ProjectedGradientOptions, ProjectedGradientSolver } from './projected-gradient.js';
export { pushTRecipe } from './push-t-model.js';
export {
  type Plan,
  type PlanCall,
  RecedingHorizon,
  type RecedingHorizonOptions,
  type Situation,
} from './receding-horizon.js';
export {
  type EvaluateRecipeOptions,
  evaluateRecipe,
  type PlanningRecipe,
  type RecipeResults,
  type ReplanningShares,
  type StagedTraining,
  type StagedTrainingOptions,
  type TrainRecipeOptions,
  trainRecipe,
} from './recipe.js';
export type { Bounds } from './settings.js';
export { TemporalDistance } from './temporal-distance.js';
export { type TemporalDistanceOptions, trainTemporalDistance } from './temporal-distance-training.js';
export {
  evaluateTwoRoom,
  type PlanningResults,
  type TwoRoomEvaluationOptions,
  trainTwoRoom,
  twoRoomModel,
  twoRoomSteps,
} from './two-room.js';
export { type PlanEpisodesOptions, planEpisodes, twoRoomSearch } from './two-room-episodes.js';
export type { TrainTwoRoomOptions } from './two-room-model.js';
export {
  evaluateReplanning,
  type ReplanningOptions,
  type ReplanningResults,
  type ReplanningRow,
} from './two-room-replanning.js';
export { type TrainedWaypoints, type TrainWaypointsOptions, trainTwoRoomWaypoints } from './two-room-waypoints.js';
export { WaypointGraph, type WaypointGraphOptions } from './waypoint-graph.js';
