// jepa's side of the gemm suite. Operands are variables, so that only the product is timed. Weights (NN, NT) are packed once and
// kept, as in inference; the gradient of weights (TN) has two operands that are new every step: its packing is included. In
// bfloat16 activations and gradients are float32 in memory, as in training, and rounding them is timed too.
import {
  type Compiled,
  type CompileOptions,
  compile,
  matmul,
  type Tensor,
  type Variable,
  variable,
} from '#lib/index.js';
import { serve } from '../harness/serve.js';
import { element, type Product } from '../suites/gemm.js';

const turnMs = 30;

let operands: readonly Variable[] = [];
let product: Compiled<[], Tensor> | undefined;

function operand(shape: readonly [number, number], transposed: boolean, seed: number): Variable {
  const data = new Float32Array(shape[0] * shape[1]);
  for (let i = 0; i < data.length; i++) data[i] = element(i, seed);
  return variable(data, { shape: transposed ? [shape[1], shape[0]] : shape });
}

await serve({
  prepare: async ({ rows, inner, columns, transposeA, transposeB, precision, samples }: Product): Promise<number[]> => {
    product?.dispose();
    for (const old of operands) old.dispose();
    const a = operand([rows, inner], transposeA, 1);
    const b = operand([inner, columns], transposeB, 2);
    operands = [a, b];
    product = compile(() => matmul(a, b, { transposeA, transposeB }), {
      name: 'gemm',
      precision: precision as CompileOptions['precision'],
      passes: { hoist: !transposeA },
    });
    const y = await (await product()).data();
    await product.profile(); // not counted: fresh memory costs a page fault a page, which no step after the first one sees
    return samples.map((place) => y[place]);
  },
  /** Milliseconds, each a mean of a few repetitions in a row, as the engine's own clock has it. */
  time: async (): Promise<number[]> => {
    if (!product) throw new Error('expected prepare before time');
    const times: number[] = [];
    const start = performance.now();
    do times.push((await product.profile()).milliseconds);
    while (performance.now() - start < turnMs);
    return times;
  },
});
