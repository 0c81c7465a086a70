// jepa's side of the plan suite: one native call a plan, timed from JavaScript.
import { compile, readSafetensors, type Tensor, tensor } from '#lib/index.js';
import { imagination } from '#lib/plan/imagination.js';
import { CemSolver, distanceAlongHorizon, latentDynamics, type Solution } from '#lib/plan/index.js';
import type { Unavailable } from '../harness/match.js';
import { compileOptions, unavailable } from '../harness/precision.js';
import { serve, turn } from '../harness/serve.js';
import type { Precision } from '../harness/suite.js';
import { given, part } from '../models/vision.js';
import { type PlanCheck, search, turnMs } from '../suites/plan.js';
import { worldModel } from '../suites/tiny-train.js';

const [path, precision] = process.argv.slice(2);
const { tensors } = await readSafetensors(path);
const { model } = worldModel();
await model.network.loadStateDict(part(tensors, 'model.'));
model.network.eval();
const [memory, embedding, goal] = ['memory', 'embedding', 'goal'].map((name): Tensor => given(tensors, name));
const dynamics = latentDynamics(model);
const inference = compileOptions(precision as Precision);
const solver = new CemSolver({ ...dynamics, inference }, distanceAlongHorizon, search);
let calls = 0;
const solve = (): Promise<Solution> => solver.solve({ state: { memory, embedding }, goal, call: calls++ });

/** What a plan costs in float32, in whatever precision it was found. */
const exactCost = compile(
  (plan: Tensor): Tensor =>
    imagination({ dynamics, objective: distanceAlongHorizon }, { memory, embedding }, goal)(plan).costs,
);

await serve({
  check: async (): Promise<PlanCheck | Unavailable> => {
    try {
      const { actions, history } = await solve();
      const found = tensor(actions, { shape: [1, 1, actions.length] });
      const [cost] = (await (await exactCost(found)).data()) as Float32Array;
      return { actions: [...actions], cost, history: [...history] };
    } catch (error) {
      return unavailable(error);
    }
  },
  time: () => turn(turnMs, solve),
});
