import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import { add, broadcastTo, concat, gatherRows, gatherTokens, permute, reshape, slice } from '../ops/index.js';
import type { Tensor, Variable } from '../tensor/index.js';
import {
  type Initialiser,
  type InitialiserName,
  layerName,
  parameter,
  type SeedOptions,
  truncatedNormal,
} from './initialisers.js';
import { LayerNorm } from './layer-norm.js';
import { Linear } from './linear.js';
import { Module } from './module.js';
import { interpolatePositions, type SincosOrder, sincos2d } from './positions.js';
import { TransformerBlock } from './transformer-block.js';

export interface VisionTransformerOptions extends SeedOptions {
  /** Pixels, of both sides or [height, width]; a multiple of the patch size. */
  readonly imageSize: number | readonly [number, number];
  readonly patchSize: number;
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  /** Colour channels (default 3). */
  readonly channels?: number;
  readonly mlpRatio?: number;
  readonly epsilon?: number;
  /** 'sincos' (default) is fixed, 'learned' is trained from truncated normal numbers. */
  readonly positions?: 'sincos' | 'learned';
  /** Axis of the first half of sincos channels (default 'column-row', I-JEPA's). */
  readonly positionOrder?: SincosOrder;
  readonly layout?: 'NCHW' | 'NHWC';
  /** Puts a learnt token before the patches, whose output stands for the picture (default false). */
  readonly classToken?: boolean;
  readonly initialiser?: InitialiserName | Initialiser;
  /** Whether the backward pass computes activations of blocks again instead of keeping them (default false). */
  readonly checkpoint?: boolean;
}

const optionNames = [
  'imageSize',
  'patchSize',
  'width',
  'depth',
  'heads',
  'channels',
  'mlpRatio',
  'epsilon',
  'positions',
  'positionOrder',
  'layout',
  'classToken',
  'initialiser',
  'checkpoint',
  'seed',
  'name',
];

export interface VisionTransformerCall {
  /** int32 [B, K]: the patches that each picture shows, all of them without it. Each keeps the position of its place. */
  readonly keep?: Tensor;
  /** Takes pictures of other sizes too, in whole patches: positions are interpolated, bicubic, and those of a class token kept (default false). */
  readonly interpolatePositions?: boolean;
}

/**
 * Vision transformer (Dosovitskiy et al. 2021; without class token the encoder of Assran et al. 2023): patches, positions, pre-norm
 * blocks, a final layer norm. Output projections of block ℓ start scaled by 1/√(2ℓ).
 * @example
 * const encoder = new VisionTransformer({ imageSize: 64, patchSize: 8, width: 192, depth: 6, heads: 3 });
 * encoder.forward(zeros([1, 3, 64, 64])).shape; // [1, 64, 192]
 */
export class VisionTransformer extends Module {
  readonly patchEmbed: Linear;
  /** [1, 1, D] */
  readonly clsToken?: Variable;
  /** [1, N, D], or [1, 1 + N, D] with a class token, whose sincos position is 0 */
  readonly posEmbed: Variable;
  readonly blocks: TransformerBlock[];
  readonly norm: LayerNorm;
  /** Patches along [height, width]. */
  readonly #grid: readonly [number, number];
  readonly #patch: { readonly size: number; readonly channels: number; readonly layout: 'NCHW' | 'NHWC' };

  constructor(options: VisionTransformerOptions) {
    super();
    checkOptions('VisionTransformer', options, optionNames);
    const {
      imageSize,
      patchSize,
      width,
      depth,
      heads,
      channels = 3,
      mlpRatio,
      epsilon = 1e-6,
      positions = 'sincos',
      positionOrder = 'column-row',
      layout = 'NCHW',
      classToken = false,
      initialiser = 'truncatedNormal',
      seed,
    } = options;
    const [height, breadth] = typeof imageSize === 'number' ? [imageSize, imageSize] : imageSize;
    if (height % patchSize !== 0 || breadth % patchSize !== 0) {
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[VisionTransformer] expected an image size that is a multiple of the patch size ${patchSize}, got ${height} × ${breadth}`,
      );
    }
    const name = layerName(options.name, 'vit');
    this.#grid = [height / patchSize, breadth / patchSize];
    this.#patch = { size: patchSize, channels, layout };
    this.patchEmbed = new Linear(channels * patchSize * patchSize, width, {
      seed,
      initialiser,
      name: `${name}.patch_embed`,
    });
    if (classToken) this.clsToken = parameter(`${name}.cls_token`, [1, 1, width], truncatedNormal(), { seed });
    const table = [1, this.#grid[0] * this.#grid[1] + Number(classToken), width];
    const fixed = (): Float32Array => {
      const places = sincos2d(width, this.#grid, positionOrder);
      return classToken ? Float32Array.from([...new Float32Array(width), ...places]) : places;
    };
    this.posEmbed = parameter(`${name}.pos_embed`, table, positions === 'learned' ? truncatedNormal() : fixed, {
      seed,
    });
    if (positions === 'sincos') this.buffer(this.posEmbed);
    this.blocks = Array.from({ length: depth }, (_, index) => {
      const outputScale = 1 / Math.sqrt(2 * (index + 1));
      return new TransformerBlock(width, heads, {
        seed,
        mlpRatio,
        epsilon,
        initialiser,
        outputScale,
        checkpoint: options.checkpoint,
        name: `${name}.blocks.${index}`,
      });
    });
    this.norm = new LayerNorm(width, { epsilon, name: `${name}.norm` });
  }

  /**
   * @param pixels [B, C, H, W] or [B, H, W, C] by layout, float32, of the image size
   * @returns tokens [B, N, D], row-major over the grid of patches, or [B, K, D] in the order of `keep`; the class token before them
   * @throws JepaError ERR_JEPA_SHAPE, and ERR_JEPA_INDEX_RANGE when run if `keep` names no patch
   */
  forward(pixels: Tensor, { keep, interpolatePositions = false }: VisionTransformerCall = {}): Tensor {
    const grid = this.#gridOf(pixels, interpolatePositions);
    let x = this.#embedded(this.#patches(pixels, grid), this.#places(grid), keep);
    for (const block of this.blocks) x = block.forward(x);
    return this.norm.forward(x);
  }

  /** Patches with their positions; those that nobody sees are left out before anything is computed of them. */
  #embedded(patches: Tensor, places: Tensor, keep: Tensor | undefined): Tensor {
    const [batch, tokens] = patches.shape;
    const width = this.posEmbed.shape[2];
    const shown = keep ? gatherTokens(patches, keep) : patches;
    const kept = keep ? gatherRows(reshape(places, [tokens, width]), keep) : places;
    const x = add(this.patchEmbed.forward(shown), kept);
    if (!this.clsToken) return x;
    const first = slice(this.posEmbed, 1, 0, 1);
    return concat([broadcastTo(add(this.clsToken, first), [batch, 1, width]), x], 1);
  }

  /** Positions of the patches of a grid: [1, N, D]. */
  #places(grid: readonly [number, number]): Tensor {
    const tokens = this.#grid[0] * this.#grid[1];
    const own = this.clsToken ? slice(this.posEmbed, 1, 1, 1 + tokens) : this.posEmbed;
    return grid.join() === this.#grid.join() ? own : interpolatePositions(own, this.#grid, grid);
  }

  /** Rows and columns of patches that a picture has. */
  #gridOf({ shape, rank }: Tensor, anySize: boolean): readonly [number, number] {
    const { size, channels, layout } = this.#patch;
    const own = [this.#grid[0] * size, this.#grid[1] * size];
    const [height, breadth] = layout === 'NCHW' ? shape.slice(2) : shape.slice(1);
    const sized = anySize ? height % size === 0 && breadth % size === 0 : height === own[0] && breadth === own[1];
    if (rank !== 4 || shape[layout === 'NCHW' ? 1 : 3] !== channels || !sized || height * breadth === 0) {
      const sides = anySize ? [`k·${size}`, `l·${size}`] : own;
      const expected = layout === 'NCHW' ? [shape[0], channels, ...sides] : [shape[0], ...sides, channels];
      throw new JepaError(
        'ERR_JEPA_SHAPE',
        `[VisionTransformer] expected pixels of shape [${expected.join(', ')}] (${layout}), got [${shape.join(', ')}]`,
      );
    }
    return [height / size, breadth / size];
  }

  /** [B, N, C·p·p], a patch's numbers in the order channel, row, column, as a convolution's weight has them. */
  #patches(pixels: Tensor, [rows, columns]: readonly [number, number]): Tensor {
    const { size, channels, layout } = this.#patch;
    const batch = pixels.shape[0];
    const patches =
      layout === 'NCHW'
        ? permute(reshape(pixels, [batch, channels, rows, size, columns, size]), [0, 2, 4, 1, 3, 5])
        : permute(reshape(pixels, [batch, rows, size, columns, size, channels]), [0, 1, 3, 5, 2, 4]);
    return reshape(patches, [batch, rows * columns, channels * size * size]);
  }
}
