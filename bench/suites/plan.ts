// Planning by the cross-entropy method in the imagination of `jepa demo`'s model: 64 plans of 8 actions, five times refined.
import { join } from 'node:path';
import { type HostTensor, normal, writeSafetensors } from '#lib/index.js';
import { type Comparison, ownCandidates, playFromFiles, pytorchCandidates } from '../harness/match.js';
import { contenderPath } from '../harness/paths.js';
import type { Measured, Precision, Run, Suite } from '../harness/suite.js';
import { element } from './gemm.js';
import { worldModel } from './tiny-train.js';

export const search = { horizon: 8, numSamples: 64, numElites: 8, iterations: 5, seed: 0 } as const;
export const turnMs = 400;

/** The plan that all find from the same random numbers, its cost imagined in float32, and the best costs of the rounds. */
export interface PlanCheck {
  readonly actions: readonly number[];
  readonly cost: number;
  readonly history: readonly number[];
}

const widths = { embedding: 64, state: 384, hidden: 256, action: 2 } as const;

/** The gated recurrent unit and the head of the predictor, which also has the last change and says how it goes on, for every imagined step. */
function flops(): number {
  const { embedding, state, hidden, action } = widths;
  const inputs = embedding + action;
  const step = 2 * (3 * state * (inputs + state) + hidden * (state + embedding + inputs) + hidden * 2 * embedding);
  return step * search.horizon * (search.numSamples * search.iterations + 1);
}

/** Weights, where the search starts and what it wants, and the noise that the library draws for its first call. */
async function inputs(): Promise<Map<string, HostTensor>> {
  const { model } = worldModel();
  const tensors = new Map<string, HostTensor>();
  for (const [name, tensor] of await model.network.stateDict()) tensors.set(`model.${name}`, tensor);
  const add = (name: string, shape: readonly number[], data: Float32Array): void => {
    tensors.set(name, { dtype: 'float32', shape, data });
  };
  for (const key of ['mean', 'std'] as const)
    add(`action_${key}`, [widths.action], Float32Array.from(model.config.action[key]));
  const drawn = (size: number, seed: number): Float32Array =>
    Float32Array.from({ length: size }, (_, i) => element(i, seed));
  const { stateSize } = model.network.predictor; // with the last change and embedding
  add('memory', [1, stateSize], drawn(stateSize, 1));
  add('embedding', [1, widths.embedding], drawn(widths.embedding, 2));
  add('goal', [1, widths.embedding], drawn(widths.embedding, 3));
  const { horizon, numSamples, iterations, seed } = search;
  for (let iteration = 0; iteration < iterations; iteration++) {
    const shape = [numSamples - 1, horizon, 1, widths.action];
    const noise = await normal(shape, { seed, step: iteration, stream: 'CemSolver.round' }).data();
    add(`noise.${iteration}`, [numSamples - 1, horizon * widths.action], noise as Float32Array);
  }
  return tensors;
}

/** In float32 the plans are the same; in fewer bits a plan is another one, and must cost as little. */
function compare(answer: PlanCheck, own: PlanCheck, precision: Precision): Comparison {
  if (precision !== 'float32') return { error: Math.max(0, answer.cost / own.cost - 1), allowed: 0.02 };
  const [given, expected] = [answer, own].map(({ actions, cost, history }) => [...actions, cost, ...history]);
  const errors = given.map((value, i) => Math.abs(value - expected[i]) / Math.max(1, Math.abs(expected[i])));
  const agrees = given.length === expected.length && errors.every((error) => !Number.isNaN(error));
  return { error: agrees ? Math.max(...errors) : Number.POSITIVE_INFINITY, allowed: 1e-3 };
}

function measure(run: Run, threads: number, name: string): Promise<Measured[]> {
  const count = search.numSamples * search.iterations;
  return playFromFiles<PlanCheck>(
    run,
    { suite: 'plan', case: name, threads, compare, flops: flops(), count },
    async (directory) => {
      const path = join(directory, 'inputs.safetensors');
      await writeSafetensors(path, await inputs());
      return [
        ...ownCandidates(run, [contenderPath('plan'), path]),
        ...pytorchCandidates(run, 'plan', [path, JSON.stringify(search)], ['float32']),
      ];
    },
  );
}

export const plan: Suite = {
  name: 'plan',
  summary: 'a plan by the cross-entropy method, imagined plans a second',
  async run(run) {
    const name = `CEM ${search.numSamples}×${search.horizon}×${search.iterations}`;
    const rows: Measured[] = [];
    if (name.includes(run.only)) for (const threads of run.threads) rows.push(...(await measure(run, threads, name)));
    return rows;
  },
};
