import type { HostTensor } from '#lib/io/safetensors.js';
import { add, mul, sum } from '#lib/ops/index.js';
import { compile, grad, type Tensor, tensor } from '#lib/tensor/index.js';
import type { GoldenCall } from '../case.js';
import { numbersOf, type Verdict, verdict } from '../compare.js';

/** A tensor of the case as one of the library. */
export function given(call: GoldenCall, name: string): Tensor {
  const host = call.tensors.get(name);
  if (!host) throw new Error(`the case has no tensor '${name}'`);
  return tensor(host.data, { shape: host.shape, dtype: host.dtype });
}

/** The tensors whose names begin with a prefix, without it. */
export function inputsOf(call: GoldenCall, prefix: 'input.' | 'cotangent.' = 'input.'): Record<string, Tensor> {
  return Object.fromEntries(
    [...call.tensors.keys()]
      .filter((name) => name.startsWith(prefix))
      .map((name) => [name.slice(prefix.length), given(call, name)]),
  );
}

/**
 * Runs a function of the case's inputs, compiled, and compares outputs and the gradients of the case's scalar.
 * @param pathOf from the name after `grad.` to the input it belongs to
 */
export async function check(
  call: GoldenCall,
  fn: (inputs: Record<string, Tensor>) => Record<string, Tensor>,
  pathOf = (name: string) => name.replace(/^input\./, ''),
): Promise<Verdict[]> {
  const gradients = call.gradients.map((name) => ({ name, input: pathOf(name.slice('grad.'.length)) }));
  const run = compile((inputs: Record<string, Tensor>, cotangents: Record<string, Tensor>) => {
    const outputs = fn(inputs);
    if (gradients.length === 0) return { outputs, found: {} };
    const parts = Object.entries(outputs).filter(
      ([name]) => !call.scalar || call.scalar.includes(`output.${name}`) || !call.scalar.includes('output.'),
    );
    const terms = parts.map(([name, y]) => (cotangents[name] ? sum(mul(y, cotangents[name])) : sum(y)));
    const found = grad(
      terms.reduce((a, b) => add(a, b)),
      gradients.map(({ input }) => inputs[input]),
    );
    return {
      outputs,
      found: Object.fromEntries(
        gradients.flatMap(({ input }) =>
          found.get(inputs[input]) ? [[input, found.get(inputs[input]) as Tensor]] : [],
        ),
      ),
    };
  });
  const { outputs, found } = await run(inputsOf(call), inputsOf(call, 'cotangent.'));
  const verdicts: Verdict[] = [];
  for (const name of call.outputs) {
    const expected = call.tensors.get(name);
    const actual = (outputs as Record<string, Tensor | undefined>)[name.slice('output.'.length)];
    if (!expected) continue;
    verdicts.push(actual ? verdict(call, name, await values(actual), numbersOf(expected), 'output') : missing(name));
  }
  for (const { name, input } of gradients) {
    const actual = (found as Record<string, Tensor | undefined>)[input];
    const expected = numbersOf(call.tensors.get(name) as HostTensor);
    // No gradient is right where the reference's is zero on purpose.
    if (!actual && call.zeroGradients.includes(name)) verdicts.push({ name, error: 0, tolerance: 0, pass: true });
    else verdicts.push(actual ? verdict(call, name, await values(actual), expected, 'gradient') : missing(name));
  }
  return verdicts;
}

export async function values(x: Tensor): Promise<Float64Array> {
  return numbersOf({ dtype: x.dtype, shape: x.shape, data: await x.data() });
}

function missing(name: string): Verdict {
  return { name, error: Number.POSITIVE_INFINITY, tolerance: 0, pass: false };
}
