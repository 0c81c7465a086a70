import { JepaError } from '../../errors.js';
import { hashText } from '../random.js';
import { suiteVersion } from './layout.js';

/** 'train' to learn from, 'validation' to choose settings by, 'test' to report. */
export type Split = 'train' | 'validation' | 'test';

const splits: readonly Split[] = ['train', 'validation', 'test'];
const splitBits = 30;

/**
 * Seed of the `index`-th clip of a named set. The two high bits tell the split, so seeds of different splits never meet; the others
 * start where (suite version, split, the user's seed, set) says and count on. Test clips of a seed nobody chose before were never seen.
 */
export function clipSeed(split: Split, seed: number, set: string, index: number): number {
  const number = splits.indexOf(split);
  if (number < 0)
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[physics] expected split to be one of ${splits.join(', ')}, got '${split}'`,
    );
  if (!Number.isInteger(seed))
    throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', `[physics] expected seed to be an integer, got ${seed}`);
  const start = hashText(`physics ${suiteVersion} ${split} ${seed} ${set}`);
  const low = ((start + index) >>> 0) & ((1 << splitBits) - 1);
  return ((number << splitBits) | low) >>> 0;
}
