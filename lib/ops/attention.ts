import { tensor } from '../tensor/create.js';
import { apply, type OpDefinition, type StridedView, type TensorSpec } from '../tensor/op.js';
import { broadcastShapes, checkShape, denseStrides, sameShape, show } from '../tensor/shape.js';
import { opError } from '../tensor/site.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Precision } from '../tensor/trace.js';
import { cast } from './elementwise.js';
import { precisionOf } from './precision.js';
import { broadcastTo } from './views.js';

/** Which keys a query sees; i is the query's position with its offset, j the key's. Conditions given together must all hold. */
export interface AttentionMask {
  /** j ≤ i. */
  readonly causal?: boolean;
  /** Position of the first query (default 0: the square mask); Sk − Sq aligns the ends. */
  readonly queryOffset?: number;
  /** −left ≤ j − i ≤ right. */
  readonly window?: { readonly left: number; readonly right: number };
  /** ⌊j/size⌋ ≤ ⌊i/size⌋, and with `blocks` also ⌊i/size⌋ − ⌊j/size⌋ < blocks. */
  readonly block?: { readonly size: number; readonly blocks?: number };
  /** int32 [B]: keys below it are seen. */
  readonly keyLength?: Tensor;
  /** bool, broadcast to [B, H, Sq, Sk]: true is seen. */
  readonly mask?: Tensor;
}

export interface AttentionOptions extends AttentionMask {
  /** Factor on q·kᵀ (default d^−½). */
  readonly scale?: number;
  /**
   * 'bfloat16' rounds what enters a product (q, k, v, the softmax, and in the gradient dy and dS); sums stay float32. By default
   * as {@link compile} was told, 'float32' elsewhere.
   */
  readonly precision?: Precision;
}

interface Attributes {
  readonly scale: number;
  readonly flags: number;
  readonly queryOffset: number;
  readonly window: readonly [number, number];
  readonly block: number;
  readonly windowBlocks: number;
  /** 1: operands of products in bfloat16. */
  readonly compute: 0 | 1;
}

const encode: NonNullable<OpDefinition<Attributes>['native']>['encode'] = (
  writer,
  { scale, flags, queryOffset, window, block, windowBlocks, compute },
) =>
  writer.f32(scale).u32(flags).i32(queryOffset).i32(window[0]).i32(window[1]).i32(block).i32(windowBlocks).u32(compute);

const attentionOp: OpDefinition<Attributes> = {
  name: 'attention',
  outputs: ([q, , v]) => [
    { shape: [...q.shape.slice(0, -1), v.shape[3]], dtype: 'float32' },
    { shape: q.shape.slice(0, -1), dtype: 'float32' },
  ],
  native: {
    layouts: ['lastDense', 'lastDense', 'lastDense', 'strided', 'strided'],
    place: ([y, lse]) => [
      { buffer: 0, at: tokenMajor(y, 0, 1) },
      { buffer: 1, at: { shape: lse.shape, strides: denseStrides(lse.shape), offset: 0 } },
    ],
    encode,
  },
  gradient: ({ inputs: [q, k, v, ...masks], outputs: [y, lse], attributes, cotangents: [dy] }) =>
    dy
      ? [...apply(attentionGradientOp, [dy, q, k, v, y, lse, ...masks], attributes), ...masks.map(() => undefined)]
      : [],
};

const attentionGradientOp: OpDefinition<Attributes> = {
  name: 'attention_gradient',
  outputs: ([, q, k, v]) => [q, k, v].map(({ shape }) => ({ shape, dtype: 'float32' as const })),
  native: {
    layouts: ['lastDense', 'lastDense', 'lastDense', 'lastDense', 'lastDense', 'contiguous', 'strided', 'strided'],
    // Gradients of one shape side by side, as in the gradient of one projection to all of them.
    place: (outputs) => {
      const first = outputs.map(({ shape }) => outputs.findIndex((other) => sameShape(other.shape, shape)));
      return outputs.map((output, index) => {
        const group = first[index];
        const members = first.flatMap((other, k) => (other === group ? [k] : []));
        return { buffer: group, at: tokenMajor(output, members.indexOf(index), members.length) };
      });
    },
    encode,
  },
};

/** [B, H, S, d] as part `index` of `parts` in a buffer [B, S, parts, H, d]: how projections write and read heads. */
function tokenMajor({ shape }: TensorSpec, index: number, parts: number): StridedView {
  const [, heads, tokens, width] = shape;
  const row = parts * heads * width;
  return { shape, strides: [tokens * row, width, row, 1], offset: index * heads * width };
}

/**
 * Softmax attention, softmax(q·kᵀ·scale, masked)·v, without storing the scores (Dao et al. 2022). A query that sees no key gives 0.
 * @param q [B, H, Sq, d]   @param k [B, H, Sk, d]   @param v [B, H, Sk, dv]   @returns [B, H, Sq, dv]
 * @throws JepaError ERR_JEPA_SHAPE
 * @example
 * const [q, k, v] = [1, 2, 3].map((seed) => normal([2, 8, 16, 32], { seed }));
 * attention(q, k, v, { causal: true }).shape; // [2, 8, 16, 32]
 */
export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { scale, precision: given, ...mask }: AttentionOptions = {},
): Tensor<'float32'> {
  const [batch, heads, queries, width] = q.shape;
  const keys = k.shape[2];
  if (
    q.rank !== 4 ||
    !sameShape(k.shape, [batch, heads, keys, width]) ||
    !sameShape(v.shape, [batch, heads, keys, v.shape[3]])
  ) {
    throw opError(
      'ERR_JEPA_SHAPE',
      `[attention] expected q [B, H, Sq, d], k [B, H, Sk, d] and v [B, H, Sk, dv], got ${show(q.shape)}, ${show(k.shape)} and ${show(v.shape)}`,
    );
  }
  const precision = precisionOf('attention', given);
  checkMask(mask);
  const operands: Tensor[] = [q, k, v].map((operand) => cast(operand, 'float32'));
  if (mask.mask) {
    const full = [batch, heads, queries, keys];
    if (!sameShape(broadcastShapes('attention', mask.mask.shape, full), full))
      throw opError(
        'ERR_JEPA_SHAPE',
        `[attention] expected a mask that broadcasts to ${show(full)}, got ${show(mask.mask.shape)}`,
      );
    operands.push(broadcastTo(cast(mask.mask, 'bool'), full));
  }
  if (mask.keyLength) {
    if (!sameShape(mask.keyLength.shape, [batch]))
      throw opError(
        'ERR_JEPA_SHAPE',
        `[attention] expected keyLength of shape [${batch}], got ${show(mask.keyLength.shape)}`,
      );
    operands.push(cast(mask.keyLength, 'int32'));
  }
  const flags = [mask.causal, mask.mask, mask.keyLength, mask.window, mask.block].reduce(
    (bits: number, given, index) => bits | (given ? 1 << index : 0),
    0,
  );
  const attributes: Attributes = {
    scale: scale ?? 1 / Math.sqrt(width),
    flags,
    queryOffset: mask.queryOffset ?? 0,
    window: [mask.window?.left ?? 0, mask.window?.right ?? 0],
    block: mask.block?.size ?? 1,
    windowBlocks: mask.block?.blocks ?? 0,
    compute: precision === 'bfloat16' ? 1 : 0,
  };
  return apply(attentionOp, operands, attributes)[0] as Tensor<'float32'>;
}

/**
 * What {@link attention} lets each query see, as a tensor: to look at, or to combine with masks of one's own.
 * @returns bool [Sq, Sk], true is seen
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT
 * @example attentionMask(4, 4, { causal: true }) // [[true, false, false, false], [true, true, false, false], …
 */
export function attentionMask(
  queries: number,
  keys: number,
  mask: Omit<AttentionMask, 'keyLength' | 'mask'>,
): Tensor<'bool'> {
  checkMask(mask);
  checkShape('attentionMask', [queries, keys]);
  const { causal, queryOffset = 0, window, block } = mask;
  const seen = (query: number, key: number): boolean => {
    const blocksBack = block ? Math.floor(query / block.size) - Math.floor(key / block.size) : 0;
    return (
      !(causal && key > query) &&
      !(window && (key - query < -window.left || key - query > window.right)) &&
      blocksBack >= 0 &&
      blocksBack < (block?.blocks ?? Number.POSITIVE_INFINITY)
    );
  };
  const flags = Uint8Array.from({ length: queries * keys }, (_, i) =>
    Number(seen(Math.floor(i / keys) + queryOffset, i % keys)),
  );
  return tensor(flags, { shape: [queries, keys], dtype: 'bool' });
}

function checkMask({ queryOffset = 0, window, block }: AttentionMask): void {
  const refuse = (what: string): never => {
    throw opError('ERR_JEPA_INVALID_ARGUMENT', `[attention] expected ${what}`);
  };
  const whole = (value: number, least: number): boolean => Number.isInteger(value) && value >= least;
  if (!Number.isInteger(queryOffset)) refuse(`a whole queryOffset, got ${queryOffset}`);
  if (window && !(whole(window.left, 0) && whole(window.right, 0)))
    refuse(`a window of non-negative integers, got ${window.left} and ${window.right}`);
  if (block && !whole(block.size, 1)) refuse(`a block size of at least 1, got ${block.size}`);
  if (block?.blocks !== undefined && !whole(block.blocks, 1)) refuse(`at least 1 block, got ${block.blocks}`);
}
