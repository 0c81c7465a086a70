import { lidar, nearestNeighbours, rankMe } from '#lib/eval/index.js';
import type { GoldenCall } from '../case.js';
import { numbersOf, verdict } from '../compare.js';
import type { Family } from './index.js';

/** Probes that need no training, on given features. */
export const runProbes: Family = async (call) => {
  const found = probed(call);
  const tensors = call.outputs.map((name) => {
    const [expected, actual] = [call.tensors.get(name), found[name.slice('output.'.length)]];
    if (!expected || !actual) throw new Error(`${name} of probe '${call.name}' is not known to this library`);
    const exact = expected.dtype === 'float32' ? call : { ...call, compare: 'equal' };
    return verdict(exact, name, actual, numbersOf(expected), 'output');
  });
  return { composed: [], tensors };
};

function probed(call: GoldenCall): Record<string, ArrayLike<number> | undefined> {
  const given = (name: string): Float64Array => {
    const host = call.tensors.get(`input.${name}`);
    if (!host) throw new Error(`the case has no tensor 'input.${name}'`);
    return numbersOf(host);
  };
  const width = (name: string): number => call.tensors.get(`input.${name}`)?.shape[1] ?? 1;
  if (call.outputs.includes('output.scores')) {
    const options = call.options as { k: number; temperature: number; metric: 'cosine'; classes: number };
    const known = { ...options, width: width('bank') };
    return { ...nearestNeighbours(given('bank'), given('labels'), given('query'), known) };
  }
  if (call.outputs.includes('output.lidar')) {
    const { samples_per_class: views, delta, epsilon } = call.options as Record<string, number>;
    const result = lidar(given('features'), width('features'), { views, delta, epsilon });
    return { lidar: [result.lidar], entropy: [result.entropy], top_eigenvalue: [result.eigenvalues[0]] };
  }
  // The reference adds 1e-5 to the shares, the paper 1e-7.
  return { rankme: [rankMe(given('features'), width('features'), { epsilon: 1e-5 })] };
}
