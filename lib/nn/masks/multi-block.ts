import { JepaError } from '../../errors.js';
import { checkOptions, withDefaults } from '../../io/options.js';
import { show, type Tensor } from '../../tensor/index.js';
import { PhiloxStream } from '../philox.js';
import { asIndices, blockExtents, checkBatch, checkBlocks, type Range, within } from './blocks.js';

export interface MultiBlockOptions {
  /** Tokens of a picture: [rows, columns]. */
  readonly grid: readonly [number, number];
  /** Share of the tokens in a context block, before the targets are cut out (default [.85, 1]). */
  readonly contextScale?: Range;
  /** Share of the tokens in a target block (default [.15, .2]), and its rows/columns (default [.75, 1.5]). */
  readonly targetScale?: Range;
  readonly targetAspect?: Range;
  /** Blocks of each kind (default 1 and 4). */
  readonly contexts?: number;
  readonly targets?: number;
  /** A context has more tokens than this (default 10). */
  readonly minKeep?: number;
  /** Whether contexts may contain tokens of targets (default false). */
  readonly allowOverlap?: boolean;
}

export interface MultiBlockMasks {
  /** Tokens that the encoder sees: one tensor [B, K] a context block, the numbers ascending. */
  readonly contexts: readonly Tensor<'int32'>[];
  /** Tokens to predict: one tensor [B, K] a target block. */
  readonly targets: readonly Tensor<'int32'>[];
  /** [rows, columns] of the blocks of this batch. */
  readonly contextSize: readonly [number, number];
  readonly targetSize: readonly [number, number];
}

const failuresBeforeGivingIn = 20;

/**
 * Multi-block masks of pictures (I-JEPA: Assran et al. 2023, §3): some target blocks, and large context blocks without them. Sizes are
 * drawn once a batch, scale and aspect by one number, places for each picture; a block never reaches the last row and column. Where
 * the targets leave too little, contexts come to overlap them: after every 20 attempts one target fewer is cut out, the last first.
 * @example
 * const masks = new MultiBlockMasking({ grid: [14, 14] });
 * const { contexts, targets } = masks.sample(64, { seed: 0, step });       // int32 [64, K] each, for gatherTokens
 */
export class MultiBlockMasking {
  readonly #options: Required<MultiBlockOptions>;

  /** @throws JepaError ERR_JEPA_CONFIG, ERR_JEPA_UNKNOWN_OPTION */
  constructor(options: MultiBlockOptions) {
    checkOptions('MultiBlockMasking', options, [
      'grid',
      'contextScale',
      'targetScale',
      'targetAspect',
      'contexts',
      'targets',
      'minKeep',
      'allowOverlap',
    ]);
    this.#options = withDefaults(
      {
        contextScale: [0.85, 1] as Range,
        targetScale: [0.15, 0.2] as Range,
        targetAspect: [0.75, 1.5] as Range,
        contexts: 1,
        targets: 4,
        minKeep: 10,
        allowOverlap: false,
      },
      options,
    );
    const { grid, contextScale, targetScale, targetAspect, contexts, targets, minKeep } = this.#options;
    checkBlocks('MultiBlockMasking', grid, {
      contextScale: [contextScale, 1],
      targetScale: [targetScale, 1],
      targetAspect: [targetAspect, Number.POSITIVE_INFINITY],
    });
    const [rows, columns] = this.contextSize(0);
    const counts = [contexts, targets].every((count) => Number.isInteger(count) && count >= 1);
    if (!counts || !(minKeep >= 0) || rows * columns <= minKeep || Math.min(...this.targetSize(0)) < 1)
      throw new JepaError(
        'ERR_JEPA_CONFIG',
        `[MultiBlockMasking] expected blocks of at least one token and contexts of more than ${minKeep}, got ${targets} targets and ${contexts} contexts of ${show([rows, columns])} on a grid ${show(grid)}`,
      );
  }

  /** [rows, columns] of a target block for a uniform number in [0, 1). */
  targetSize(r: number): [number, number] {
    return this.#size(within(this.#options.targetScale, r), within(this.#options.targetAspect, r));
  }

  /** [rows, columns] of a context block for a uniform number of its own. */
  contextSize(r: number): [number, number] {
    return this.#size(within(this.#options.contextScale, r), 1);
  }

  /**
   * Masks for a batch: the same for the same seed and step.
   * @param batch number of pictures B
   */
  sample(batch: number, { seed, step = 0 }: { readonly seed: number; readonly step?: number }): MultiBlockMasks {
    checkBatch('MultiBlockMasking', batch);
    const { contexts, targets } = this.#options;
    const random = new PhiloxStream(seed, `multi-block masks ${step}`);
    const targetSize = this.targetSize(random.uniform());
    const contextSize = this.contextSize(random.uniform());
    const pictures = Array.from({ length: batch }, () => {
      const hidden = Array.from({ length: targets }, () => this.#place(targetSize, random));
      const seen = Array.from({ length: contexts }, () => this.#context(contextSize, hidden, random));
      return { hidden, seen };
    });
    const nth = (kind: 'hidden' | 'seen', index: number): number[][] => pictures.map((picture) => picture[kind][index]);
    // Cut to the shortest of all blocks of a kind, so that several contexts have one length.
    const shortest = Math.min(...pictures.flatMap(({ seen }) => seen.map((tokens) => tokens.length)));
    return {
      contexts: Array.from({ length: contexts }, (_, k) => asIndices(nth('seen', k).map((t) => t.slice(0, shortest)))),
      targets: Array.from({ length: targets }, (_, k) => asIndices(nth('hidden', k))),
      contextSize,
      targetSize,
    };
  }

  #size(scale: number, aspect: number): [number, number] {
    const [height, width] = this.#options.grid;
    const [rows, columns] = blockExtents(Math.trunc(height * width * scale), aspect);
    return [Math.min(rows, height - 1), Math.min(columns, width - 1)];
  }

  /** The tokens of a block somewhere on the grid. */
  #place([rows, columns]: readonly [number, number], random: PhiloxStream): number[] {
    const [height, width] = this.#options.grid;
    const top = Math.floor(random.uniform() * (height - rows));
    const left = Math.floor(random.uniform() * (width - columns));
    return Array.from(
      { length: rows * columns },
      (_, i) => (top + Math.floor(i / columns)) * width + left + (i % columns),
    );
  }

  #context(size: readonly [number, number], targets: readonly (readonly number[])[], random: PhiloxStream): number[] {
    const { allowOverlap, minKeep } = this.#options;
    for (let failures = 0; ; failures++) {
      const spared = allowOverlap ? 0 : Math.max(0, targets.length - Math.floor(failures / failuresBeforeGivingIn));
      const hidden = new Set(targets.slice(0, spared).flat());
      const tokens = this.#place(size, random).filter((token) => !hidden.has(token));
      if (tokens.length > minKeep) return tokens;
    }
  }
}
