import { checkOptions } from '../io/options.js';
import { add } from '../ops/index.js';
import { checkpoint, type Tensor } from '../tensor/index.js';
import type { ActivationLike } from './activation.js';
import { type Initialiser, type InitialiserName, layerName, type SeedOptions } from './initialisers.js';
import { LayerNorm } from './layer-norm.js';
import { MLP } from './mlp.js';
import { Module } from './module.js';
import { MultiHeadAttention } from './multi-head-attention.js';

export interface TransformerBlockOptions extends SeedOptions {
  /** Hidden width of the MLP as a multiple of the width (default 4). */
  readonly mlpRatio?: number;
  /** Of both layer norms (default 1e-6). */
  readonly epsilon?: number;
  readonly causal?: boolean;
  readonly qkvBias?: boolean;
  readonly activation?: ActivationLike;
  readonly initialiser?: InitialiserName | Initialiser;
  /** Factor on the first weights of attn.proj and mlp.fc2, 1/√(2ℓ) in block ℓ of V-JEPA (default 1). */
  readonly outputScale?: number;
  /** Whether its backward pass computes activations again instead of keeping them: less memory, one forward pass more (default false). */
  readonly checkpoint?: boolean;
}

/**
 * Pre-norm transformer block: x ← x + attn(norm1(x)); x ← x + mlp(norm2(x)).
 * @example new TransformerBlock(192, 3, { causal: true }).forward(zeros([2, 16, 192])).shape; // [2, 16, 192]
 */
export class TransformerBlock extends Module {
  readonly norm1: LayerNorm;
  readonly attn: MultiHeadAttention;
  readonly norm2: LayerNorm;
  readonly mlp: MLP;
  readonly #checkpoint: boolean;

  constructor(width: number, heads: number, options: TransformerBlockOptions = {}) {
    super();
    checkOptions('TransformerBlock', options, [
      'seed',
      'name',
      'mlpRatio',
      'epsilon',
      'causal',
      'qkvBias',
      'activation',
      'initialiser',
      'outputScale',
      'checkpoint',
    ]);
    const { seed, mlpRatio = 4, epsilon = 1e-6, causal, qkvBias, activation, initialiser, outputScale } = options;
    this.#checkpoint = options.checkpoint === true;
    const name = layerName(options.name, 'block');
    this.norm1 = new LayerNorm(width, { epsilon, name: `${name}.norm1` });
    this.attn = new MultiHeadAttention(width, heads, {
      seed,
      causal,
      qkvBias,
      initialiser,
      outputScale,
      name: `${name}.attn`,
    });
    this.norm2 = new LayerNorm(width, { epsilon, name: `${name}.norm2` });
    this.mlp = new MLP(width, Math.round(width * mlpRatio), width, {
      seed,
      activation,
      initialiser,
      outputScale,
      name: `${name}.mlp`,
    });
  }

  /** @param x [B, S, D]   @param mask bool, broadcast to [B, H, S, S]   @returns [B, S, D] */
  forward(x: Tensor, { mask }: { readonly mask?: Tensor } = {}): Tensor {
    const run = (): Tensor => this.#run(x, mask);
    return this.#checkpoint ? checkpoint(run)() : run();
  }

  #run(x: Tensor, mask: Tensor | undefined): Tensor {
    const attended = add(x, this.attn.forward(this.norm1.forward(x), { mask }));
    return add(attended, this.mlp.forward(this.norm2.forward(attended)));
  }
}
