import { JepaError } from '../../errors.js';
import { checkOptions, withDefaults } from '../../io/options.js';
import { show, type Tensor } from '../../tensor/index.js';
import { PhiloxStream } from '../philox.js';
import { asIndices, blockExtents, checkBatch, checkBlocks, type Range, within } from './blocks.js';

export interface TubeOptions {
  /** Tokens of a clip: [frames, rows, columns], frames counted in tubelets. */
  readonly grid: readonly [number, number, number];
  /** Blocks that are hidden: 8 of scale .15, or 2 of scale .7. */
  readonly blocks: number;
  /** Share of a frame in a block; a pair is drawn from. */
  readonly spatialScale: Range;
  /** Share of the frames that a block lasts (default [1, 1]). */
  readonly temporalScale?: Range;
  /** Rows/columns of a block (default [.75, 1.5]). */
  readonly aspect?: Range;
  /** Share of the frames, from the first, that a context may be of (default 1). */
  readonly maxTemporalKeep?: number;
  /** Most tokens of a context; those beyond are neither context nor target. */
  readonly maxKeep?: number;
  /** Whether everything outside the cut context is target (default false). */
  readonly fullComplement?: boolean;
}

export interface TubeMasks {
  /** Tokens that the encoder sees, int32 [B, K], ascending. */
  readonly context: Tensor<'int32'>;
  /** Tokens to predict, int32 [B, K']. */
  readonly target: Tensor<'int32'>;
  /** [frames, rows, columns] of the blocks of this batch. */
  readonly blockSize: readonly [number, number, number];
}

const mostAttempts = 10_000;

/**
 * Masks of clips (V-JEPA: Bardes et al. 2024, §3; V-JEPA 2): blocks in space, most often through all frames, are hidden, and what they
 * leave is the context. One block size a batch, places for each clip; clips of which nothing is left are drawn again.
 * @example
 * const short = new TubeMasking({ grid: [8, 16, 16], blocks: 8, spatialScale: [0.15, 0.15] });
 * const { context, target } = short.sample(24, { seed: 0, step });          // int32 [24, K], [24, K']
 */
export class TubeMasking {
  readonly #options: Required<Omit<TubeOptions, 'maxKeep'>> & Pick<TubeOptions, 'maxKeep'>;

  /** @throws JepaError ERR_JEPA_CONFIG, ERR_JEPA_UNKNOWN_OPTION */
  constructor(options: TubeOptions) {
    checkOptions('TubeMasking', options, [
      'grid',
      'blocks',
      'spatialScale',
      'temporalScale',
      'aspect',
      'maxTemporalKeep',
      'maxKeep',
      'fullComplement',
    ]);
    this.#options = withDefaults(
      { temporalScale: [1, 1] as Range, aspect: [0.75, 1.5] as Range, maxTemporalKeep: 1, fullComplement: false },
      options,
    );
    const { grid, blocks, spatialScale, temporalScale, aspect, maxTemporalKeep, maxKeep = 1 } = this.#options;
    checkBlocks('TubeMasking', grid, {
      spatialScale: [spatialScale, 1],
      temporalScale: [temporalScale, 1],
      aspect: [aspect, Number.POSITIVE_INFINITY],
      maxTemporalKeep: [[maxTemporalKeep, maxTemporalKeep], 1],
    });
    const [, rows, columns] = this.blockSize([1, 1, 0.5]);
    const leavesNothing = rows === grid[1] && columns === grid[2] && this.#frames(temporalScale[0]) === grid[0];
    if (!Number.isInteger(blocks) || blocks < 1 || !(maxKeep >= 1) || leavesNothing)
      throw new JepaError(
        'ERR_JEPA_CONFIG',
        `[TubeMasking] expected blocks that leave some tokens, and a context of at least one, got ${blocks} blocks of ${show([rows, columns])} on a grid ${show(grid)}, maxKeep ${maxKeep}`,
      );
  }

  /**
   * [frames, rows, columns] of a block.
   * @param uniforms numbers in [0, 1) for temporal scale, spatial scale and aspect
   */
  blockSize([time, space, shape]: readonly [number, number, number]): [number, number, number] {
    const { grid, temporalScale, spatialScale, aspect } = this.#options;
    const [, height, width] = grid;
    const area = Math.trunc(height * width * within(spatialScale, space));
    const [rows, columns] = blockExtents(area, within(aspect, shape));
    return [this.#frames(within(temporalScale, time)), Math.min(rows, height), Math.min(columns, width)];
  }

  /**
   * Masks for a batch: the same for the same seed and step.
   * @param batch number of clips B
   */
  sample(batch: number, { seed, step = 0 }: { readonly seed: number; readonly step?: number }): TubeMasks {
    checkBatch('TubeMasking', batch);
    const { grid, maxKeep = Number.POSITIVE_INFINITY, fullComplement } = this.#options;
    const random = new PhiloxStream(seed, `tube masks ${step}`);
    const blockSize = this.blockSize([random.uniform(), random.uniform(), random.uniform()]);
    const clips = Array.from({ length: batch }, () => this.#clip(blockSize, random));
    const shortest = Math.min(maxKeep, ...clips.map(({ context }) => context.length));
    const contexts = clips.map(({ context }) => context.slice(0, shortest));
    const tokens = grid[0] * grid[1] * grid[2];
    const targets = fullComplement
      ? contexts.map((context) => complement(new Set(context), tokens))
      : clips.map(({ target }) => target);
    return { context: asIndices(contexts), target: asIndices(targets), blockSize };
  }

  #frames(scale: number): number {
    return Math.max(1, Math.trunc(this.#options.grid[0] * scale));
  }

  #clip(size: readonly [number, number, number], random: PhiloxStream): { context: number[]; target: number[] } {
    const { grid, blocks, maxTemporalKeep } = this.#options;
    const [time, height, width] = grid;
    const [frames, rows, columns] = size;
    const tokens = time * height * width;
    for (let attempt = 0; attempt < mostAttempts; attempt++) {
      const hidden = new Set<number>();
      for (let block = 0; block < blocks; block++) {
        // The last place counts: a block may touch every border.
        const [first, top, left] = [time - frames, height - rows, width - columns].map((most) =>
          Math.floor(random.uniform() * (most + 1)),
        );
        for (let t = first; t < first + frames; t++)
          for (let y = top; y < top + rows; y++)
            for (let x = left; x < left + columns; x++) hidden.add((t * height + y) * width + x);
      }
      for (let token = this.#frames(maxTemporalKeep) * height * width; token < tokens; token++) hidden.add(token);
      const context = complement(hidden, tokens);
      if (context.length > 0) return { context, target: [...hidden].sort((a, b) => a - b) };
    }
    throw new JepaError(
      'ERR_JEPA_CONFIG',
      `[TubeMasking] expected ${blocks} blocks of ${show(size)} to leave some token of a grid ${show(grid)}, got none in ${mostAttempts} attempts`,
    );
  }
}

/** The numbers from 0 to count − 1 that are not in a set. */
function complement(set: ReadonlySet<number>, count: number): number[] {
  return Array.from({ length: count }, (_, token) => token).filter((token) => !set.has(token));
}
