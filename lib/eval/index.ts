export {
  type ActionRankResults,
  evaluateActionRanking,
  type RankEvaluationOptions,
  type RankScorer,
  rankScorers,
} from './action-rank.js';
export { type AlarmEvaluationOptions, type AlarmResults, evaluateAlarms } from './alarms.js';
export { type BootstrapInterval, type BootstrapOptions, bootstrapInterval, type SampleStatistic } from './bootstrap.js';
export type { CounterfactualResults } from './counterfactual.js';
export type { PhysicsExamples, RolloutExample, ViolationExample } from './examples.js';
export { type NeighbourOptions, nearestNeighbours } from './nearest-neighbours.js';
export { evaluatePhysics, type PhysicsEvaluationOptions, type PhysicsResults } from './physics.js';
export type { ProbeResults, ProbeScores } from './probes.js';
export {
  eliteSpearman,
  pairwiseAuc,
  type RankingOptions,
  type RankingScores,
  rankingScores,
  topRegret,
} from './ranking.js';
export { type Reliability, reliability } from './reliability.js';
export {
  type Lidar,
  type LidarOptions,
  lidar,
  participationRatio,
  rankMe,
  singularValues,
} from './representation-rank.js';
export { fitRidge, type LinearFit, predictLinear } from './ridge.js';
export type { RolloutResults, RolloutScores } from './rollouts.js';
export { type CorrelationTest, type PairedTTest, pairedTTest, pearsonTest, spearmanTest } from './significance.js';
export { auroc, pearson, r2, type Share, shareOf, spearman, wilsonInterval } from './statistics.js';
export type { Rows, ViolationResults } from './violations.js';
