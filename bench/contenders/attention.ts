// jepa's side of the attention suite. The operation's own bfloat16 is measured: operands rounded, sums in float32.
import { attention, compile, grad, mul, sum } from '#lib/index.js';
import { operand, type PreparedOp, results, serveOps } from '../harness/serve-ops.js';
import type { AttentionRequest } from '../suites/attention.js';

const precision = process.argv[2] as 'float32' | 'bfloat16';

await serveOps(({ shape, causal, backward }: AttentionRequest): PreparedOp => {
  const [q, k, v, dy] = [1, 2, 3, 4].map((seed) => operand(shape, seed));
  const program = compile(
    () => {
      const y = attention(q, k, v, { causal, precision });
      if (!backward) return [y];
      const gradients = grad(sum(mul(y, dy)), [q, k, v]);
      return [y, ...[q, k, v].map((of) => gradients.get(of) ?? y)];
    },
    { name: 'attention', passes: { hoist: false } }, // or it would run once, since no operand changes
  );
  return { program, operands: [q, k, v, dy], outputs: () => results(program) };
});
