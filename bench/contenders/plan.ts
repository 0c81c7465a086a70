// jepa's side of the plan suite: one native call a plan, timed from JavaScript.
import { readSafetensors, type Tensor } from '#lib/index.js';
import { CemSolver, distanceAlongHorizon, latentDynamics, type Solution } from '#lib/plan/index.js';
import { serve, turn } from '../harness/serve.js';
import { given, part } from '../models/vision.js';
import { type PlanCheck, search, turnMs } from '../suites/plan.js';
import { worldModel } from '../suites/tiny-train.js';

const { tensors } = await readSafetensors(process.argv[2]);
const { model } = worldModel();
await model.network.loadStateDict(part(tensors, 'model.'));
model.network.eval();
const [memory, embedding, goal] = ['memory', 'embedding', 'goal'].map((name): Tensor => given(tensors, name));
const solver = new CemSolver(latentDynamics(model), distanceAlongHorizon, search);
let calls = 0;
const solve = (): Promise<Solution> => solver.solve({ state: { memory, embedding }, goal, call: calls++ });

await serve({
  check: async (): Promise<PlanCheck> => {
    const { actions, cost, history } = await solve();
    return { actions: [...actions], cost, history: [...history] };
  },
  time: () => turn(turnMs, solve),
});
