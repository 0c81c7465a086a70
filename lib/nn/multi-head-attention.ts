import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import { attention, permute, reshape, slice } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import {
  type Initialiser,
  type InitialiserName,
  initialisers,
  layerName,
  type SeedOptions,
  scaled,
} from './initialisers.js';
import { Linear } from './linear.js';
import { Module } from './module.js';

export interface MultiHeadAttentionOptions extends SeedOptions {
  /** Whether the fused projection to queries, keys and values has a bias (default true). */
  readonly qkvBias?: boolean;
  /** Each token sees itself and earlier ones only (default false). */
  readonly causal?: boolean;
  /** Channels of a head (default width / heads): queries, keys and values are heads·headWidth wide, the result is as wide as x. */
  readonly headWidth?: number;
  readonly initialiser?: InitialiserName | Initialiser;
  /** Factor on the first weights of the output projection (default 1). */
  readonly outputScale?: number;
}

/**
 * Self-attention with one fused projection: the first third of the rows of `qkv` are queries, then keys, then values, each
 * head-major (head h owns rows h·d … (h+1)·d−1). Scores are scaled by d^−½.
 * @example new MultiHeadAttention(192, 3).forward(zeros([2, 16, 192])).shape; // [2, 16, 192]
 */
export class MultiHeadAttention extends Module {
  readonly qkv: Linear;
  readonly proj: Linear;
  readonly #heads: number;
  readonly #headWidth: number;
  readonly #causal: boolean;

  constructor(width: number, heads: number, options: MultiHeadAttentionOptions = {}) {
    super();
    checkOptions('MultiHeadAttention', options, [
      'seed',
      'name',
      'qkvBias',
      'causal',
      'headWidth',
      'initialiser',
      'outputScale',
    ]);
    if (options.headWidth === undefined && width % heads !== 0)
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[MultiHeadAttention] expected a width that is a multiple of the ${heads} heads, got ${width}`,
      );
    const { seed, qkvBias = true, causal = false, outputScale = 1, initialiser = 'kaimingUniform' } = options;
    const name = layerName(options.name, 'attn');
    const inner = heads * (options.headWidth ?? width / heads);
    this.#heads = heads;
    this.#headWidth = inner / heads;
    this.#causal = causal;
    this.qkv = new Linear(width, 3 * inner, { seed, bias: qkvBias, initialiser, name: `${name}.qkv` });
    const output = outputScale === 1 ? initialiser : scaled(initialisers(initialiser).weight, outputScale);
    this.proj = new Linear(inner, width, { seed, initialiser: output, name: `${name}.proj` });
  }

  /**
   * @param x [B, S, D]
   * @param mask bool, broadcast to [B, H, S, S]: which keys a query sees
   * @returns [B, S, D]
   */
  forward(x: Tensor, { mask }: { readonly mask?: Tensor } = {}): Tensor {
    const [batch, tokens] = x.shape;
    const heads = permute(
      reshape(this.qkv.forward(x), [batch, tokens, 3, this.#heads, this.#headWidth]),
      [2, 0, 3, 1, 4],
    );
    const [q, k, v] = [0, 1, 2].map((part) => reshape(slice(heads, 0, part, part + 1), heads.shape.slice(1)));
    const y = attention(q, k, v, { causal: this.#causal, mask });
    return this.proj.forward(reshape(permute(y, [0, 2, 1, 3]), [batch, tokens, -1]));
  }
}
