// I-JEPA (Assran et al. 2023) from the library's layers: a context encoder that sees part of the patches, a target encoder that is its
// moving average, and a predictor that fills in four blocks of targets from their positions.
import {
  add,
  broadcastTo,
  concat,
  gatherRows,
  gatherTokens,
  type HostTensor,
  LayerNorm,
  Linear,
  layerNorm,
  Module,
  reshape,
  sincos2d,
  slice,
  smoothL1,
  stopGradient,
  type Tensor,
  TransformerBlock,
  type Variable,
  type VisionTransformer,
  variable,
} from '#lib/index.js';
import { element } from '../suites/gemm.js';
import { blockFlops, encoderFlops, tokensOf, type VisionConfig, visionTransformer } from './vision.js';

export interface IJepaConfig {
  readonly encoder: VisionConfig;
  readonly batch: number;
  readonly predictor: { readonly width: number; readonly depth: number; readonly heads: number };
  /** Blocks of targets of a picture. */
  readonly targets: number;
}

/** Patches that the context encoder sees, 46 %, and those of one block of targets, 18 %. */
export function maskSizes({ encoder }: IJepaConfig): { readonly context: number; readonly target: number } {
  const tokens = tokensOf(encoder);
  return { context: Math.floor(tokens * 0.46), target: Math.max(4, Math.floor(tokens * 0.18)) };
}

/**
 * The narrow transformer that predicts the target encoder's tokens: context tokens and one mask token for each target, told apart
 * by their positions.
 */
export class MaskedPredictor extends Module {
  readonly predictorEmbed: Linear;
  /** [1, 1, P] */
  readonly maskToken: Variable;
  /** [1, N, P] */
  readonly predictorPosEmbed: Variable;
  readonly predictorBlocks: TransformerBlock[];
  readonly predictorNorm: LayerNorm;
  readonly predictorProj: Linear;

  constructor({ encoder, predictor: { width, depth, heads } }: IJepaConfig) {
    super();
    const grid = encoder.imageSize / encoder.patchSize;
    const options = { seed: 0, initialiser: 'kaimingUniform' } as const;
    this.predictorEmbed = new Linear(encoder.width, width, { ...options, name: 'predictor.embed' });
    this.maskToken = variable(new Float32Array(width), { name: 'predictor.mask_token', shape: [1, 1, width] });
    const places = sincos2d(width, [grid, grid], 'column-row');
    this.predictorPosEmbed = this.buffer(variable(places, { name: 'predictor.pos', shape: [1, grid * grid, width] }));
    this.predictorBlocks = Array.from(
      { length: depth },
      (_, index) => new TransformerBlock(width, heads, { ...options, name: `predictor.blocks.${index}` }),
    );
    this.predictorNorm = new LayerNorm(width, { epsilon: 1e-6, name: 'predictor.norm' });
    this.predictorProj = new Linear(width, encoder.width, { ...options, name: 'predictor.proj' });
  }

  /**
   * @param z context tokens [B, K, D]   @param context int32 [B, K]   @param targets int32 [M·B, T], a block of targets after the other
   * @returns [M·B, T, D]
   */
  forward(z: Tensor, context: Tensor, targets: Tensor): Tensor {
    const [batch, kept] = context.shape;
    const [rows, wanted] = targets.shape;
    const [, tokens, width] = this.predictorPosEmbed.shape;
    const places = reshape(this.predictorPosEmbed, [tokens, width]);
    const known = add(this.predictorEmbed.forward(z), gatherRows(places, context));
    const repeated = broadcastTo(reshape(known, [1, batch, kept, width]), [rows / batch, batch, kept, width]);
    const asked = add(gatherRows(places, targets), this.maskToken);
    let x = concat([reshape(repeated, [rows, kept, width]), asked], 1);
    for (const block of this.predictorBlocks) x = block.forward(x);
    return this.predictorProj.forward(this.predictorNorm.forward(slice(x, 1, kept, kept + wanted)));
  }
}

export class IJepa extends Module {
  readonly encoder: VisionTransformer;
  readonly targetEncoder: VisionTransformer;
  readonly predictor: MaskedPredictor;

  constructor(config: IJepaConfig) {
    super();
    this.encoder = visionTransformer(config.encoder);
    this.targetEncoder = visionTransformer(config.encoder, 'target_encoder');
    this.predictor = new MaskedPredictor(config);
  }

  /** Smooth-L1 distance of predicted and normalised target tokens. @param pixels [B, 3, H, W]; indices as the predictor has them */
  loss(pixels: Tensor, context: Tensor, targets: Tensor): Tensor {
    const h = stopGradient(layerNorm(this.targetEncoder.forward(pixels)));
    const [batch, tokens, width] = h.shape;
    const blocks = targets.shape[0] / batch;
    const all = reshape(broadcastTo(reshape(h, [1, batch, tokens, width]), [blocks, batch, tokens, width]), [
      blocks * batch,
      tokens,
      width,
    ]);
    const z = this.encoder.forward(pixels, { keep: context });
    return smoothL1(this.predictor.forward(z, context, targets), gatherTokens(all, targets));
  }
}

/** `size` of the patches in ascending order, for each of `rows`: the first of those that noise puts in front. */
function drawn(rows: number, size: number, tokens: number, seed: number): HostTensor {
  const data = new Int32Array(rows * size);
  for (let row = 0; row < rows; row++) {
    const order = Array.from({ length: tokens }, (_, i) => ({ i, at: element(row * tokens + i, seed) }));
    const first = order.sort((a, b) => a.at - b.at).slice(0, size);
    data.set(
      first.map(({ i }) => i).sort((a, b) => a - b),
      row * size,
    );
  }
  return { dtype: 'int32', shape: [rows, size], data };
}

/** Masks of one batch. */
export function masks(
  config: IJepaConfig,
  seed: number,
): { readonly context: HostTensor; readonly targets: HostTensor } {
  const { context, target } = maskSizes(config);
  const tokens = tokensOf(config.encoder);
  return {
    context: drawn(config.batch, context, tokens, seed),
    targets: drawn(config.batch * config.targets, target, tokens, seed + 1000),
  };
}

/**
 * Operations of a step: the target encoder forward, context encoder and predictor forward and backward (twice the forward), without the
 * gradient of the pixels.
 */
export function ijepaFlops(config: IJepaConfig): number {
  const { encoder, predictor, batch, targets } = config;
  const { context, target } = maskSizes(config);
  const embedding = context * 2 * 3 * encoder.patchSize ** 2 * encoder.width;
  const predicted =
    targets * predictor.depth * blockFlops(context + target, predictor.width) +
    2 * (context + targets * target) * encoder.width * predictor.width;
  return batch * (encoderFlops(encoder) + 3 * (encoderFlops(encoder, context) + predicted) - embedding);
}
