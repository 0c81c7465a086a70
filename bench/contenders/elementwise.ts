// jepa's side of the elementwise suite.
import {
  adamW,
  compile,
  gelu,
  grad,
  layerNorm,
  mul,
  scalar,
  softmax,
  sum,
  type Tensor,
  type Variable,
} from '#lib/index.js';
import { operand, type PreparedOp, results, serveOps } from '../harness/serve-ops.js';
import { stepOptions, timedRate } from '../harness/steps.js';
import type { ElementwiseRequest } from '../suites/elementwise.js';

function update({ shape, tensors }: Extract<ElementwiseRequest, { op: 'adamW' }>): PreparedOp {
  const parameters = Array.from({ length: tensors }, (_, index) => operand(shape, 2 * index));
  const gradients = new Map<Tensor, Tensor>(parameters.map((p, index) => [p, operand(shape, 2 * index + 1)]));
  const optimiser = adamW(parameters, stepOptions);
  const program = compile(() => optimiser.update(gradients, { learningRate: scalar(timedRate) }), { name: 'adamW' });
  return {
    program,
    operands: [...parameters, ...([...gradients.values()] as Variable[])],
    async outputs() {
      await program();
      return Promise.all([parameters[0], parameters[tensors - 1]].map(async (p) => (await p.read()) as Float32Array));
    },
  };
}

await serveOps((request: ElementwiseRequest): PreparedOp => {
  if (request.op === 'adamW') return update(request);
  const { op, shape, backward } = request;
  const [x, dy] = [1, 2].map((seed) => operand(shape, seed));
  const [weight, bias] = [3, 4].map((seed) => operand([shape[1]], seed));
  const forward = (): Tensor =>
    op === 'gelu' ? gelu(x) : op === 'softmax' ? softmax(x) : layerNorm(x, weight, bias, { epsilon: 1e-6 });
  const to = op === 'layerNorm' ? [x, weight, bias] : [x];
  const program = compile(
    () => {
      const y = forward();
      if (!backward) return [y];
      const gradients = grad(sum(mul(y, dy)), to);
      return [y, ...to.map((of) => gradients.get(of) ?? y)];
    },
    { name: op, passes: { hoist: false } }, // or it would run once, since no operand changes
  );
  return { program, operands: [x, dy, weight, bias], outputs: () => results(program) };
});
