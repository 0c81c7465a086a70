import type { Surprise } from '../world-model/world-model.js';
import type { ClipSet } from '../worlds/physics/clip.js';
import { violationPairs } from '../worlds/physics/evaluation.js';
import type { Split } from '../worlds/physics/seeds.js';
import { colourControl, type Property, properties, type Violation } from '../worlds/physics/violations.js';
import { pixelSurprise } from './pixel-baselines.js';
import { mean, pairedShare, type Share } from './statistics.js';

/** How surprising each clip of a set is. */
export type Scorer = (clips: ClipSet) => Promise<Pick<Surprise, 'normalised' | 'raw'>>;

/** One row for each contender. */
export interface Rows {
  readonly model: Share;
  readonly modelAtEqualCompute: Share;
  readonly untrained: Share;
  readonly pixelDifference: Share;
  readonly secondDifference: Share;
  readonly autoencoder: Share;
}
export type Contender = keyof Rows;

export interface ViolationResults {
  /** Mean of eight laws; permanence is the mean of its two. Interval: mean of the laws' bounds. */
  readonly macro: Rows;
  readonly perProperty: Readonly<Record<Property, Rows>>;
  readonly colourControl: Rows;
  /** Model only: the same read-out without dividing by the expected error. */
  readonly rawMacro: number;
}

type Scorers = Readonly<Record<Exclude<Contender, 'pixelDifference' | 'secondDifference'>, Scorer>>;

interface Options {
  readonly split: Split;
  readonly seed: number;
  readonly pairs: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (text: string) => void;
}

/** The control should come out near one half, where a share is least certain: it gets this many times the pairs. */
const controlFactor = 3;

/** Violation of expectation: in how many pairs is the impossible clip the more surprising one? */
export async function evaluateViolations(
  scorers: Scorers,
  { split, seed, pairs, signal, onProgress }: Options,
): Promise<ViolationResults> {
  const rows = new Map<Violation, Rows>();
  const raw = new Map<Violation, number>();
  for (const violation of [...properties, colourControl] as const) {
    onProgress?.(`violations: ${violation}`);
    const count = violation === colourControl ? controlFactor * pairs : pairs;
    const { possible, impossible, visible } = await violationPairs({ violation, split, seed, count, signal });
    const compare = async (scorer: Scorer): Promise<Record<'normalised' | 'raw', Share>> => {
      const [ordinary, broken] = [await scorer(possible), await scorer(impossible)];
      const share = (read: 'normalised' | 'raw'): Share => pairedShare(ordinary[read], broken[read], visible);
      return { normalised: share('normalised'), raw: share('raw') };
    };
    const pixel = (order: 'first' | 'second'): Share =>
      pairedShare(pixelSurprise(possible, order), pixelSurprise(impossible, order), visible);
    const model = await compare(scorers.model);
    rows.set(violation, {
      model: model.normalised,
      modelAtEqualCompute: (await compare(scorers.modelAtEqualCompute)).normalised,
      untrained: (await compare(scorers.untrained)).raw,
      pixelDifference: pixel('first'),
      secondDifference: pixel('second'),
      autoencoder: (await compare(scorers.autoencoder)).raw,
    });
    raw.set(violation, model.raw.accuracy);
  }
  const perProperty = Object.fromEntries(
    properties.map((property) => [property, rows.get(property)]),
  ) as unknown as Record<Property, Rows>;
  return {
    macro: mapRows((contender) =>
      macroOf(
        Object.fromEntries(properties.map((property) => [property, perProperty[property][contender]])) as Record<
          Property,
          Share
        >,
      ),
    ),
    perProperty,
    colourControl: rows.get(colourControl) as Rows,
    rawMacro: macroOf(
      Object.fromEntries(
        properties.map((property) => [property, { accuracy: raw.get(property), interval: [0, 0] }]),
      ) as unknown as Record<Property, Share>,
    ).accuracy,
  };
}

function mapRows(of: (contender: Contender) => Share): Rows {
  return {
    model: of('model'),
    modelAtEqualCompute: of('modelAtEqualCompute'),
    untrained: of('untrained'),
    pixelDifference: of('pixelDifference'),
    secondDifference: of('secondDifference'),
    autoencoder: of('autoencoder'),
  };
}

/** The mean of eight: visible and occluded permanence are halves of one. */
function macroOf(shares: Readonly<Record<Property, Share>>): Share {
  const both = ['permanence-visible', 'permanence-occluded'] as const;
  const parts = (read: (share: Share) => number): number[] => [
    ...properties
      .filter((property) => !both.includes(property as (typeof both)[number]))
      .map((property) => read(shares[property])),
    mean(both.map((property) => read(shares[property]))),
  ];
  return {
    accuracy: mean(parts(({ accuracy }) => accuracy)),
    interval: [mean(parts(({ interval }) => interval[0])), mean(parts(({ interval }) => interval[1]))],
  };
}
