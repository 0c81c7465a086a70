import { check } from './differentiate.js';
import { elementwise } from './elementwise.js';
import type { Family } from './index.js';
import type { Attributes } from './tables.js';

/** Correctly rounded values of an elementary function on a grid, to measure units in the last place. */
export const numerics: Family = async (call) => {
  const op = call.attributes.op as string;
  const fn = elementwise.direct[op];
  if (!fn) throw new Error(`op '${op}' is not known to this library`);
  return {
    composed: [],
    tensors: await check({ ...call, outputs: ['output.y'] }, (inputs) => fn(inputs, {} as Attributes)),
  };
};
