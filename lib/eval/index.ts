export type { PhysicsExamples, RolloutExample, ViolationExample } from './examples.js';
export { evaluatePhysics, type PhysicsEvaluationOptions, type PhysicsResults } from './physics.js';
export { fitRidge, type LinearFit, predictLinear } from './ridge.js';
export { auroc, pearson, r2, type Share, shareOf, spearman, wilsonInterval } from './statistics.js';
