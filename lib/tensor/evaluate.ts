import { JepaError } from '../errors.js';
import { loadAddon } from '../native/load.js';
import { lower } from './compiler/lower.js';
import type { TypedArray } from './dtype.js';
import { attributesKey, type Node } from './op.js';
import { Program } from './program.js';
import { show } from './shape.js';
import { setEvaluate, type Tensor } from './tensor.js';
import { allPasses } from './trace.js';
import { Variable } from './variable.js';

const maxPrograms = 256;
const cache = new Map<string, Program>();

/** A program holds the storage of its variables: when nobody else holds one, it can never run again and goes too. */
const withVariable = new FinalizationRegistry<string>((key) => {
  cache.get(key)?.dispose();
  cache.delete(key);
});

/** Computes a tensor with a program cached by the structure of its graph: values under it are inputs, not part of the key. */
async function evaluate(tensor: Tensor): Promise<TypedArray> {
  const { nodes, leaves, variables } = collect(tensor);
  const numbers = new Map<Tensor, string>();
  for (const [index, leaf] of leaves.entries()) numbers.set(leaf, `i${index}:${leaf.dtype}[${leaf.shape.join()}]`);
  for (const variable of variables) numbers.set(variable, `v${identityOf(variable)}`);
  const lines = nodes.map((node, index) => {
    for (const output of node.outputs) numbers.set(output, `${index}.${output.output}`);
    return `${node.op.name} ${attributesKey(node.attributes)} ${node.inputs.map((input) => numbers.get(input)).join(' ')} ${node.outputs.map(({ dtype, shape }) => `${dtype}[${shape.join()}]`).join(';')}`;
  });
  const key = `${lines.join('\n')}\n${numbers.get(tensor)}`;
  let program = cache.get(key);
  if (program) cache.delete(key);
  else {
    for (const variable of variables) withVariable.register(variable, key);
    const addon = loadAddon();
    const lowered = lower(
      leaves,
      [tensor],
      { assignments: new Map(), guards: [], reads: [], passes: { ...allPasses, hoist: false } },
      addon.describe(),
    );
    program = new Program(addon, lowered, [tensor], 'eager');
  }
  cache.set(key, program);
  if (cache.size > maxPrograms) {
    const [oldest] = cache.keys();
    cache.get(oldest)?.dispose();
    cache.delete(oldest);
  }
  const [result] = await program.run(leaves);
  return result.host as TypedArray;
}

function collect(root: Tensor): { nodes: Node[]; leaves: Tensor[]; variables: Variable[] } {
  const nodes = new Set<Node>();
  const leaves = new Set<Tensor>();
  const variables = new Set<Variable>();
  const stack = [root];
  for (let tensor = stack.pop(); tensor; tensor = stack.pop()) {
    tensor.checkUsable();
    if (tensor instanceof Variable) variables.add(tensor);
    else if (!tensor.node) {
      if (!tensor.host)
        throw new JepaError(
          'ERR_JEPA_INVALID_ARGUMENT',
          `[data] expected a tensor that can be computed, got one that depends on an input ${show(tensor.shape)} of a compiled function`,
          { help: ['return it from the function: the call promises its values'] },
        );
      leaves.add(tensor);
    } else if (!nodes.has(tensor.node)) {
      nodes.add(tensor.node);
      stack.push(...tensor.node.inputs);
    }
  }
  return { nodes: [...nodes].sort((a, b) => a.id - b.id), leaves: [...leaves], variables: [...variables] };
}

const identities = new WeakMap<Variable, number>();
let next = 0;
function identityOf(variable: Variable): number {
  let identity = identities.get(variable);
  if (identity === undefined) {
    identity = next++;
    identities.set(variable, identity);
  }
  return identity;
}

setEvaluate(evaluate);
