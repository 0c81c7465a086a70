import { opError } from '../tensor/site.js';
import { isPrecision, type Precision, tracedPrecision } from '../tensor/trace.js';

/** What the operands of an op's products are rounded to: as its caller says, else as the function that is being compiled has it. */
export function precisionOf(op: string, given: Precision | undefined): Precision {
  if (given !== undefined && !isPrecision(given))
    throw opError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[${op}] expected a precision of 'float32' or 'bfloat16', got '${String(given)}'`,
    );
  return given ?? tracedPrecision();
}
