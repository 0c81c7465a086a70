import * as ops from '#lib/ops/index.js';
import { type Tensor, tensor } from '#lib/tensor/index.js';
import { type Array64, at, bfloat16, build, total } from './array.js';
import { argument, fixed, type Given, given, integers, normal, type OpCase, type OpCases, shape } from './op-case.js';

interface Sizes {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  readonly width: number;
  readonly valueWidth?: number;
}
type Seen = (query: number, key: number) => boolean;

/** Softmax of the scores of the keys that a query sees, over the values; 0 where it sees none. */
function attended(
  q: Array64,
  k: Array64,
  v: Array64,
  scale: number,
  seen: (b: number, h: number, i: number, j: number) => boolean,
): Array64 {
  const [batch, heads, queries, width] = q.shape;
  const [keys, valueWidth] = v.shape.slice(2);
  const shares = new Float64Array(keys);
  let row = -1;
  return build([batch, heads, queries, valueWidth], ([b, h, i, c]) => {
    const here = (b * heads + h) * queries + i;
    if (here !== row) {
      row = here;
      for (let j = 0; j < keys; j++) {
        let score = 0;
        for (let e = 0; e < width; e++)
          score += q.data[here * width + e] * k.data[((b * heads + h) * keys + j) * width + e];
        shares[j] = seen(b, h, i, j) ? score * scale : Number.NEGATIVE_INFINITY;
      }
      const peak = shares.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
      if (peak === Number.NEGATIVE_INFINITY) shares.fill(0);
      else {
        for (let j = 0; j < keys; j++) shares[j] = Math.exp(shares[j] - peak);
        const sum = total(shares);
        for (let j = 0; j < keys; j++) shares[j] /= sum;
      }
    }
    let y = 0;
    for (let j = 0; j < keys; j++) y += shares[j] * v.data[((b * heads + h) * keys + j) * valueWidth + c];
    return y;
  });
}

function attentionCase(
  what: string,
  { batch, heads, queries, keys, width, valueWidth = width }: Sizes,
  mask: ops.AttentionMask = {},
  seen: Seen = () => true,
  extras: Readonly<Record<string, Given>> = {},
  scale?: number,
): OpCase {
  return {
    name: `attention ${what}`,
    inputs: {
      q: normal([batch, heads, queries, width], 1),
      k: normal([batch, heads, keys, width], 2),
      v: normal([batch, heads, keys, valueWidth], 3),
      ...extras,
    },
    forward: ({ q, k, v, ...rest }) => ops.attention(q, k, v, { ...mask, ...rest, scale }),
    reference: ({ q, k, v, mask: table, keyLength }) =>
      attended(
        q,
        k,
        v,
        scale ?? 1 / Math.sqrt(width),
        (b, h, i, j) =>
          seen(i, j) && (!keyLength || j < keyLength.data[b]) && (!table || at(table, [b, h, i, j]) !== 0),
      ),
    tolerance: 'scaled',
  };
}

/** With one key the softmax is 1: the output is v, and its gradient that of v, as bfloat16. */
function rounded(what: string, sizes: Sizes): OpCase {
  const plain = attentionCase(what, sizes);
  return {
    ...plain,
    forward: ({ q, k, v }) => ops.attention(q, k, v, { precision: 'bfloat16' }),
    reference: ({ q, v: { shape, data } }) =>
      build([...q.shape.slice(0, 3), shape[3]], ([b, h, , c]) => bfloat16(data[(b * shape[1] + h) * shape[3] + c])),
    gradients: {
      q: Array.from(plain.inputs.q.data, () => 0),
      k: Array.from(plain.inputs.k.data, () => 0),
      v: Array.from(plain.inputs.v.data, () => sizes.queries),
    },
    tolerance: 'rounded',
  };
}

const small: Sizes = { batch: 2, heads: 2, queries: 5, keys: 7, width: 6 };
const square: Sizes = { batch: 1, heads: 2, queries: 9, keys: 9, width: 8 };
const truth = (size: readonly number[], seed: number): Given => ({ ...integers(size, 2, seed), dtype: 'bool' });

const cases: readonly OpCase[] = [
  attentionCase('of one', { batch: 1, heads: 1, queries: 1, keys: 1, width: 1 }),
  attentionCase('full', small),
  attentionCase('values of another width', { ...small, valueWidth: 17 }),
  attentionCase('scale 0.3', small, {}, undefined, {}, 0.3),
  attentionCase('causal', square, { causal: true }, (i, j) => j <= i),
  attentionCase('causal, ends aligned', small, { causal: true, queryOffset: 2 }, (i, j) => j <= i + 2),
  attentionCase('causal, first queries see nothing', small, { causal: true, queryOffset: -2 }, (i, j) => j <= i - 2),
  attentionCase('window', square, { window: { left: 2, right: 1 } }, (i, j) => j - i >= -2 && j - i <= 1),
  attentionCase('blocks', square, { block: { size: 3 } }, (i, j) => Math.floor(j / 3) <= Math.floor(i / 3)),
  attentionCase('two blocks back', square, { block: { size: 2, blocks: 2 } }, (i, j) => {
    const back = Math.floor(i / 2) - Math.floor(j / 2);
    return back >= 0 && back < 2;
  }),
  attentionCase('key lengths, one of them 0', small, {}, undefined, { keyLength: given([2], [4, 0], 'int32') }),
  attentionCase('a mask for each query', small, {}, undefined, { mask: truth([2, 2, 5, 7], 4) }),
  attentionCase('a mask that broadcasts', small, {}, undefined, { mask: truth([5, 7], 4) }),
  attentionCase('a key mask and causal', square, { causal: true }, (i, j) => j <= i, { mask: truth([1, 1, 1, 9], 3) }),
  attentionCase('no keys', { ...small, keys: 0 }),
  attentionCase('no queries', { ...small, queries: 0 }),
  attentionCase('widths around a vector', { batch: 1, heads: 1, queries: 17, keys: 33, width: 31 }),
  attentionCase(
    'many keys',
    { batch: 1, heads: 2, queries: 70, keys: 130, width: 24 },
    { causal: true, queryOffset: 60 },
    (i, j) => j <= i + 60,
  ),
  attentionCase('many heads', { batch: 4, heads: 6, queries: 40, keys: 40, width: 32 }),
  attentionCase(
    'tiny heads, more than a group',
    { batch: 3, heads: 7, queries: 4, keys: 4, width: 12 },
    { causal: true },
    (i, j) => j <= i,
  ),
  attentionCase('more keys than are kept at once', { batch: 1, heads: 1, queries: 3, keys: 300, width: 8 }),
  rounded('bfloat16 operands', { batch: 1, heads: 2, queries: 20, keys: 1, width: 8 }),
  rounded('bfloat16 operands of tiny heads', { batch: 2, heads: 3, queries: 3, keys: 1, width: 8 }),
  {
    ...attentionCase('with large scores', square),
    name: 'attention with large scores does not overflow',
    inputs: {
      q: fixed(given([1, 1, 2, 2], [300, 0, 0, 300])),
      k: fixed(given([1, 1, 2, 2], [300, 0, -300, 0])),
      v: fixed(given([1, 1, 2, 1], [1, 2])),
    },
    forward: ({ q, k, v }) => ops.attention(q, k, v, { scale: 1 }),
    reference: ({ q, k, v }) => attended(q, k, v, 1, () => true),
  },
];

const zeros = (...size: number[]): Tensor => ops.zeros(size);

export const attentions: readonly OpCases[] = [
  {
    ops: ['attention'],
    cases,
    refusals: [
      shape(
        () => ops.attention(zeros(2, 3, 4), zeros(2, 3, 4), zeros(2, 3, 4)),
        '[attention] expected q [B, H, Sq, d], k [B, H, Sk, d] and v [B, H, Sk, dv], got [2, 3, 4], [2, 3, 4] and [2, 3, 4]',
      ),
      shape(
        () => ops.attention(zeros(1, 2, 3, 4), zeros(1, 2, 5, 3), zeros(1, 2, 5, 4)),
        '[attention] expected q [B, H, Sq, d], k [B, H, Sk, d] and v [B, H, Sk, dv], got [1, 2, 3, 4], [1, 2, 5, 3] and [1, 2, 5, 4]',
      ),
      shape(
        () => ops.attention(zeros(1, 2, 3, 4), zeros(1, 2, 5, 4), zeros(1, 2, 6, 4)),
        '[attention] expected q [B, H, Sq, d], k [B, H, Sk, d] and v [B, H, Sk, dv], got ',
      ),
      shape(
        () => ops.attention(zeros(1, 2, 3, 4), zeros(1, 2, 5, 4), zeros(1, 2, 5, 4), { mask: tensor([true, false]) }),
        '[attention] expected ',
      ),
      shape(
        () => ops.attention(zeros(2, 2, 3, 4), zeros(2, 2, 5, 4), zeros(2, 2, 5, 4), { keyLength: tensor([1, 2, 3]) }),
        '[attention] expected keyLength of shape [2], got [3]',
      ),
      argument(
        () => ops.attention(zeros(1, 1, 2, 4), zeros(1, 1, 2, 4), zeros(1, 1, 2, 4), { block: { size: 0 } }),
        '[attention] expected a block size of at least 1, got 0',
      ),
      argument(
        () =>
          ops.attention(zeros(1, 1, 2, 4), zeros(1, 1, 2, 4), zeros(1, 1, 2, 4), { window: { left: -1, right: 0 } }),
        '[attention] expected a window of non-negative integers, got -1 and 0',
      ),
      argument(
        () =>
          ops.attention(zeros(1, 1, 2, 4), zeros(1, 1, 2, 4), zeros(1, 1, 2, 4), { causal: true, queryOffset: 0.5 }),
        '[attention] expected a whole queryOffset, got 0.5',
      ),
      argument(
        () =>
          ops.attention(zeros(1, 1, 2, 4), zeros(1, 1, 2, 4), zeros(1, 1, 2, 4), {
            precision: 'float16' as 'bfloat16',
          }),
        "[attention] expected a precision of 'float32' or 'bfloat16', got 'float16'",
      ),
    ],
  },
];
