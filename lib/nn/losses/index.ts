export { type BarlowTwinsOptions, barlowTwins } from './barlow-twins.js';
export { binaryCrossEntropy, type FocalLossOptions, sigmoidFocal } from './binary-cross-entropy.js';
export { type CrossEntropyOptions, crossEntropy, type InfoNCEOptions, infoNCE, ntXent } from './cross-entropy.js';
export {
  cosine,
  cosineSimilarity,
  type LossOptions,
  l1,
  mse,
  normalize,
  type Reduction,
  smoothL1,
} from './distance.js';
export { inverseDynamics } from './inverse-dynamics.js';
export { hinge, type MarginOptions, marginRanking, tripletMargin } from './margin.js';
export { type RankingLossOptions, rankingLoss } from './ranking.js';
export { type SigregOptions, sigreg, sigregCollapsed, sigregExpected, sigregNull, sigregStatistic } from './sigreg.js';
export {
  type CovarianceLossOptions,
  covarianceLoss,
  type VarianceLossOptions,
  type VicregOptions,
  varianceLoss,
  vicreg,
} from './vicreg.js';
