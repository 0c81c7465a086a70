export type { Range } from './blocks.js';
export { MultiBlockMasking, type MultiBlockMasks, type MultiBlockOptions } from './multi-block.js';
export { TubeMasking, type TubeMasks, type TubeOptions } from './tube.js';
