import { JepaError } from '../errors.js';

/** Candidates of one choice: what a judge expects each to cost, and what it truly costs. */
export interface RankedChoice {
  readonly predicted: ArrayLike<number>;
  readonly truth: ArrayLike<number>;
}

/**
 * How likely each candidate is the best of all: softmax(−cost/τ).
 * @param costs by candidate, lower is better   @param temperature τ, in units of the costs
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT for a temperature that is not above 0
 * @example bestProbabilities([0.1, 0.2, 0.9], 0.1); // [0.7309, 0.2689, 0.0002]
 */
export function bestProbabilities(costs: ArrayLike<number>, temperature: number): Float64Array {
  if (!(temperature > 0 && Number.isFinite(temperature)))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[bestProbabilities] expected a temperature above 0, got ${String(temperature)}`,
    );
  const least = Float64Array.from(costs).reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const weights = Float64Array.from(costs, (cost) => Math.exp((least - cost) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/**
 * The temperature under which {@link bestProbabilities} of held-out choices are most likely (temperature scaling, Guo et al. 2017): it
 * minimises the mean of −log p(truly best candidate), which has one minimum in log τ, by golden-section search in float64.
 * @param choices each with two candidates or more, from clips that the judge was not fitted to
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT without choices
 * @example const temperature = fitTemperature([{ predicted: [0.3, 0.1], truth: [0, 1] }, { predicted: [0.1, 0.9], truth: [0, 1] }]);
 */
export function fitTemperature(choices: readonly RankedChoice[]): number {
  if (choices.length === 0)
    throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', '[fitTemperature] expected at least one choice, got none');
  const best = choices.map(({ truth }) => indexOfLeast(truth));
  const loss = (logTemperature: number): number =>
    choices.reduce((total, { predicted }, at) => {
      const p = bestProbabilities(predicted, Math.exp(logTemperature))[best[at]];
      return total - Math.log(Math.max(p, Number.MIN_VALUE));
    }, 0);
  const spread = choices.reduce((sum, { predicted }) => {
    const values = Array.from(predicted);
    return sum + Math.max(...values) - Math.min(...values);
  }, 0);
  if (!(spread > 0)) return 1; // all alike: every temperature says the same
  const centre = Math.log(spread / choices.length);
  return Math.exp(goldenSection(loss, centre - 9, centre + 5));
}

const ratio = (Math.sqrt(5) - 1) / 2;

/** Where a function with one minimum between `low` and `high` has it, within 1e-4. */
function goldenSection(f: (x: number) => number, low: number, high: number): number {
  let [a, b] = [high - ratio * (high - low), low + ratio * (high - low)];
  let [fa, fb] = [f(a), f(b)];
  while (high - low > 1e-4) {
    if (fa <= fb) {
      [high, b, fb] = [b, a, fa];
      a = high - ratio * (high - low);
      fa = f(a);
    } else {
      [low, a, fa] = [a, b, fb];
      b = low + ratio * (high - low);
      fb = f(b);
    }
  }
  return (low + high) / 2;
}

function indexOfLeast(values: ArrayLike<number>): number {
  let least = 0;
  for (let i = 1; i < values.length; i++) if (values[i] < values[least]) least = i;
  return least;
}
