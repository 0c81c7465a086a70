import type { Suite } from '../harness/suite.js';
import { attention } from './attention.js';
import { elementwise } from './elementwise.js';
import { eventLoop } from './event-loop.js';
import { gemm } from './gemm.js';
import { ijepaTrain } from './ijepa-train.js';
import { leWmTrain } from './lewm-train.js';
import { overhead } from './overhead.js';
import { plan } from './plan.js';
import { tinyTrain } from './tiny-train.js';
import { vitInfer } from './vit-infer.js';
import { vitTrain } from './vit-train.js';

/** Every suite, in the order they run. A new one is a file here and a line below. */
export const suites: readonly Suite[] = [
  gemm,
  attention,
  elementwise,
  vitInfer,
  ijepaTrain,
  leWmTrain,
  vitTrain,
  tinyTrain,
  plan,
  eventLoop,
  overhead,
];
