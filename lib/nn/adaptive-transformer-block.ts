import { checkOptions } from '../io/options.js';
import { adaLayerNorm, add, mul, silu, split } from '../ops/index.js';
import type { Tensor } from '../tensor/index.js';
import type { ActivationLike } from './activation.js';
import { type Initialiser, type InitialiserName, layerName, type SeedOptions } from './initialisers.js';
import { LayerNorm } from './layer-norm.js';
import { Linear } from './linear.js';
import { MLP } from './mlp.js';
import { Module } from './module.js';
import { MultiHeadAttention } from './multi-head-attention.js';

export interface AdaptiveTransformerBlockOptions extends SeedOptions {
  /** Width of the condition (default that of the tokens). */
  readonly conditionWidth?: number;
  /** Channels of a head (default width / heads). */
  readonly headWidth?: number;
  /** Hidden width of the MLP (default four times the width). */
  readonly hidden?: number;
  /** Of the modulated norms, which have no weights of their own (default 1e-6). */
  readonly epsilon?: number;
  /** Whether attention and MLP begin with a layer norm of their own, as in LeWM (default false, as in DiT). */
  readonly innerNorm?: boolean;
  readonly causal?: boolean;
  readonly qkvBias?: boolean;
  readonly activation?: ActivationLike;
  readonly initialiser?: InitialiserName | Initialiser;
}

/**
 * Transformer block whose norms a condition c shifts and scales and whose branches it gates (adaLN-zero: Peebles & Xie 2023):
 * (β₁, γ₁, α₁, β₂, γ₂, α₂) = Linear(silu(c)); x ← x + α₁·attn(norm(x)·(1 + γ₁) + β₁); x ← x + α₂·mlp(norm(x)·(1 + γ₂) + β₂). The
 * modulation starts at 0, so that the block starts as the identity.
 * @example
 * const block = new AdaptiveTransformerBlock(192, 16, { headWidth: 64, causal: true });
 * block.forward(zeros([2, 3, 192]), zeros([2, 3, 192])).shape; // [2, 3, 192]
 */
export class AdaptiveTransformerBlock extends Module {
  /** To 6·D: shift, scale, gate of the attention, then of the MLP. */
  readonly modulation: Linear;
  readonly attnNorm?: LayerNorm;
  readonly attn: MultiHeadAttention;
  readonly mlpNorm?: LayerNorm;
  readonly mlp: MLP;
  readonly #epsilon: number;

  constructor(width: number, heads: number, options: AdaptiveTransformerBlockOptions = {}) {
    super();
    checkOptions('AdaptiveTransformerBlock', options, [
      'seed',
      'name',
      'conditionWidth',
      'headWidth',
      'hidden',
      'epsilon',
      'innerNorm',
      'causal',
      'qkvBias',
      'activation',
      'initialiser',
    ]);
    const { seed, conditionWidth = width, hidden = 4 * width, epsilon = 1e-6, innerNorm = false } = options;
    const { headWidth, causal, qkvBias, activation, initialiser } = options;
    const name = layerName(options.name, 'block');
    this.#epsilon = epsilon;
    this.modulation = new Linear(conditionWidth, 6 * width, { initialiser: 'zeros', name: `${name}.modulation` });
    if (innerNorm) this.attnNorm = new LayerNorm(width, { name: `${name}.attn_norm` });
    this.attn = new MultiHeadAttention(width, heads, {
      seed,
      headWidth,
      causal,
      qkvBias,
      initialiser,
      name: `${name}.attn`,
    });
    if (innerNorm) this.mlpNorm = new LayerNorm(width, { name: `${name}.mlp_norm` });
    this.mlp = new MLP(width, hidden, width, { seed, activation, initialiser, name: `${name}.mlp` });
  }

  /**
   * @param x [B, S, D]   @param condition [B, S, C], or [B, 1, C] for all tokens alike   @param mask bool, broadcast to [B, H, S, S]
   * @returns [B, S, D]   @throws JepaError ERR_JEPA_SHAPE
   */
  forward(x: Tensor, condition: Tensor, { mask }: { readonly mask?: Tensor } = {}): Tensor {
    const [shift1, scale1, gate1, shift2, scale2, gate2] = split(this.modulation.forward(silu(condition)), 6, -1);
    const first = this.#modulated(x, shift1, scale1);
    const attended = add(x, mul(gate1, this.attn.forward(this.attnNorm?.forward(first) ?? first, { mask })));
    const second = this.#modulated(attended, shift2, scale2);
    return add(attended, mul(gate2, this.mlp.forward(this.mlpNorm?.forward(second) ?? second)));
  }

  #modulated(x: Tensor, shift: Tensor, scale: Tensor): Tensor {
    return adaLayerNorm(x, shift, scale, { epsilon: this.#epsilon });
  }
}
