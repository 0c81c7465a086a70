import { runBoxMuller, runCast, runPhilox, runUniform } from './conversions.js';
import { check } from './differentiate.js';
import { elementwise } from './elementwise.js';
import { runFiles } from './files.js';
import type { Family } from './index.js';
import { networks } from './networks.js';
import { numerics } from './numerics.js';
import { runNumpyFiles } from './numpy-files.js';
import { runOptimiser } from './optimisers.js';
import { runRandomBounds } from './random-bounds.js';
import { shapes } from './shapes.js';
import { statistics } from './statistics.js';
import type { Attributes } from './tables.js';

const direct = { ...elementwise.direct, ...shapes.direct, ...networks.direct };
const composed = { ...elementwise.composed, ...shapes.composed, ...networks.composed };

const special: Readonly<Record<string, Family>> = {
  cast: runCast,
  philox4x32: runPhilox,
  uint32_to_uniform: runUniform,
  box_muller: runBoxMuller,
  random_bounds: runRandomBounds,
};

/** One call of the `ops` family: of the library's own vocabulary, else composed of it. */
export const runOp: Family = async (call) => {
  const { op } = call;
  if (op.startsWith('numerics_')) return numerics(call);
  if (op.startsWith('optimiser_') || op === 'clip_grad_norm' || op === 'ema' || op === 'schedule')
    return runOptimiser(call);
  if (op.startsWith('safetensors_')) return runFiles(call);
  if (op === 'npy_read') return runNumpyFiles(call);
  if (Object.hasOwn(special, op)) return special[op](call);
  if (Object.hasOwn(statistics, op)) return statistics[op](call);
  const known = Object.hasOwn(direct, op) ? direct[op] : Object.hasOwn(composed, op) ? composed[op] : undefined;
  if (!known) throw new Error(`op '${op}' is not known to this library`);
  const tensors = await check(call, (inputs) => known(inputs, call.attributes as Attributes));
  return { composed: Object.hasOwn(direct, op) ? [] : [op], tensors };
};
