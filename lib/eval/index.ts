export type { ActionRankResults } from './action-rank.js';
export type { CounterfactualResults } from './counterfactual.js';
export type { PhysicsExamples, RolloutExample, ViolationExample } from './examples.js';
export { evaluatePhysics, type PhysicsEvaluationOptions, type PhysicsResults } from './physics.js';
export type { ProbeResults, ProbeScores } from './probes.js';
export { fitRidge, type LinearFit, predictLinear } from './ridge.js';
export type { RolloutResults, RolloutScores } from './rollouts.js';
export { auroc, pearson, r2, type Share, shareOf, spearman, wilsonInterval } from './statistics.js';
export type { Rows, ViolationResults } from './violations.js';
