import * as ops from '#lib/ops/index.js';
import type { Tensor } from '#lib/tensor/index.js';
import type { Call, Inputs, Table } from './tables.js';

const unary =
  (fn: (x: Tensor) => Tensor): Call =>
  ({ x }) => ({ y: fn(x) });
const binary =
  (fn: (a: Tensor, b: Tensor) => Tensor): Call =>
  ({ a, b }) => ({ y: fn(a, b) });

interface Step {
  readonly op: string;
  readonly operands: readonly (string | number)[];
  readonly attributes?: Record<string, unknown>;
  readonly result: string;
}

/** Small expressions of several ops, which the compiler may fuse. */
const chain: Call = (inputs, attributes) => {
  const { steps, output } = attributes as unknown as { steps: readonly Step[]; output: Record<string, string> };
  const values: Inputs = { ...inputs };
  for (const { op, operands, attributes: given = {}, result } of steps) {
    const [a, b, c] = operands.map((operand) => (typeof operand === 'string' ? values[operand] : operand)) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    values[result] = step(op, a, b, c, given);
  }
  return Object.fromEntries(Object.entries(output).map(([name, value]) => [name, values[value]]));
};

function step(op: string, a: Tensor, b: Tensor, c: Tensor, given: Record<string, unknown>): Tensor {
  const numbers = (name: string): number[] => given[name] as number[];
  switch (op) {
    case 'transpose':
      return ops.permute(a, numbers('permutation'));
    case 'reshape':
      return ops.reshape(a, numbers('shape'));
    case 'broadcast':
      return ops.broadcastTo(a, numbers('shape'));
    case 'slice':
      return numbers('start').reduce(
        (x, start, axis) =>
          ops.slice(x, axis, start, numbers('stop')[axis], (given.step as number[] | undefined)?.[axis] ?? 1),
        a,
      );
    case 'sum':
    case 'mean':
      return ops[op](a, { axes: numbers('dim'), keepDims: given.keepdim as boolean });
    case 'concat':
      return ops.concat([a, b, c].filter(Boolean), given.dim as number);
    case 'where':
      return ops.where(a, b, c);
    case 'cast':
      return ops.cast(a, given.to as 'float32');
    case 'amax':
      return ops.max(a, { axes: numbers('dim'), keepDims: given.keepdim as boolean });
    case 'max':
      return ops.maximum(a, b);
    case 'min':
      return ops.minimum(a, b);
    case 'matmul':
      return ops.matmul(a, b, { transposeA: given.transpose_a === true, transposeB: given.transpose_b === true });
    case 'gelu_erf':
      return ops.gelu(a);
    case 'gelu_tanh':
      return ops.gelu(a, { approximate: 'tanh' });
    case 'softmax':
      return ops.softmax(a, given.dim as number);
    default: {
      const fn = (ops as unknown as Record<string, ((...operands: Tensor[]) => Tensor) | undefined>)[op];
      if (!fn) throw new Error(`op '${op}' in a chain is not known to this library`);
      return b === undefined ? fn(a) : fn(a, b);
    }
  }
}

export const elementwise: Table = {
  direct: {
    abs: unary(ops.abs),
    cos: unary(ops.cos),
    erf: unary(ops.erf),
    exp: unary(ops.exp),
    gelu_erf: unary((x) => ops.gelu(x)),
    gelu_tanh: unary((x) => ops.gelu(x, { approximate: 'tanh' })),
    log: unary(ops.log),
    neg: unary(ops.neg),
    relu: unary(ops.relu),
    rsqrt: unary(ops.rsqrt),
    sigmoid: unary(ops.sigmoid),
    sign: unary(ops.sign),
    silu: unary(ops.silu),
    sin: unary(ops.sin),
    sqrt: unary(ops.sqrt),
    tanh: unary(ops.tanh),
    add: binary(ops.add),
    sub: binary(ops.sub),
    mul: binary(ops.mul),
    div: binary(ops.div),
    max: binary(ops.maximum),
    min: binary(ops.minimum),
    equal: binary(ops.equal),
    not_equal: binary(ops.notEqual),
    less: binary(ops.less),
    less_equal: binary(ops.lessEqual),
    greater: binary(ops.greater),
    greater_equal: binary(ops.greaterEqual),
    where: ({ condition, a, b }) => ({ y: ops.where(condition, a, b) }),
  },
  composed: { chain },
};
