import { sigreg, sigregStatistic } from '#lib/nn/losses/index.js';
import { check } from './differentiate.js';
import type { Family } from './index.js';

/** The statistic per direction and its mean, with the case's directions and number of knots. */
export const runSigreg: Family = async (call) => {
  const { knots } = (call.entry as { config: { knots: number } }).config;
  const tensors = await check(call, ({ z, directions }) => {
    const options = { directions, knots };
    return { sigreg: sigreg(z, options), statistic: sigregStatistic(z, options) };
  });
  return { composed: [], tensors };
};
