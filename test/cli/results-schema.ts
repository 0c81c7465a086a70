/** What a number may be: % from 0 to 100, a unit from 0 to 1, anything at most 1 (R²), a correlation, above or from 0, or any finite number. */
type Leaf =
  | 'percent'
  | 'unit'
  | 'r2'
  | 'correlation'
  | 'positive'
  | 'not negative'
  | 'count'
  | 'finite'
  | 'text'
  | 'flag'
  | 'positive or null'
  | 'count or null';
export type Schema = Leaf | readonly Schema[] | { readonly [key: string]: Schema };

const share: Schema = { accuracy: 'percent', interval: ['percent', 'percent'] };
const rows: Schema = {
  model: share,
  modelAtEqualCompute: share,
  untrained: share,
  pixelDifference: share,
  secondDifference: share,
  autoencoder: share,
};
const probe: Schema = { linearR2: 'r2', mlpR2: 'r2' };
const ranking: Schema = {
  auc: 'unit',
  regret: 'not negative',
  regretCost: 'not negative',
  spearman: 'correlation',
  eliteSpearman: 'correlation',
};
const rollout: Schema = {
  latentRatioToCopy: 'positive',
  metres: 'positive',
  probeMetres: 'positive',
  copyMetres: 'positive',
  constantVelocityMetres: 'positive',
};

/** The one schema of `jepa demo --json` and `jepa eval --json`. */
export const resultsSchema: Schema = {
  version: 'count',
  seed: 'finite',
  steps: 'count or null',
  machine: { cpu: 'text', cores: 'count', target: 'text' },
  wallSeconds: { train: 'finite', evaluate: 'positive', plan: 'positive', total: 'positive' },
  framesPerSecond: 'positive or null',
  physics: {
    violations: {
      macro: rows,
      perProperty: {
        'gravity-reversed': rows,
        floating: rows,
        solidity: rows,
        'permanence-visible': rows,
        'permanence-occluded': rows,
        continuity: rows,
        inertia: rows,
        'size-change': rows,
        'action-violation': rows,
      },
      colourControl: rows,
      rawMacro: 'percent',
    },
    counterfactual: {
      match: 'percent',
      interval: ['percent', 'percent'],
      effectError: 'positive',
      noEffect: 'unit',
      random: 'percent',
    },
    actionRank: {
      auc: 'unit',
      aucCritic: 'unit',
      spearman: 'correlation',
      imitation: 'unit',
      pixel: 'unit',
      random: 'unit',
      scorers: {
        random: ranking,
        imitation: ranking,
        pixel: ranking,
        latent: ranking,
        critic: ranking,
        rankingCritic: ranking,
      },
      confidence: { accuracy: 'unit', confidence: 'unit', calibrationError: 'unit', brier: 'unit' },
    },
    probes: { position: probe, velocity: probe },
    rollout: { k4: rollout, k8: rollout, fast: rollout, large: rollout },
    rivals: { autoencoderSteps: 'count', autoencoderFlops: 'count', equalComputeSteps: 'count' },
  },
  planning: {
    twoRoom: {
      success: 'percent',
      otherRoom: 'percent',
      random: 'percent',
      standStill: 'percent',
      oracle: 'percent',
      episodes: 'count',
      planMilliseconds: { p50: 'positive', p95: 'positive' },
    },
    twoRoomHard: { success: 'percent', straight: 'percent', random: 'percent', oracle: 'percent', episodes: 'count' },
  },
  health: {
    sigreg: 'positive',
    sigregNull: 'positive',
    sigregCollapsed: 'positive',
    effectiveRank: 'positive',
    collapsed: 'flag',
  },
  checkpoint: { path: 'text', sha256: 'text' },
};

const accepts: Readonly<Record<Leaf, (value: unknown) => boolean>> = {
  percent: (value) => within(value, 0, 100),
  unit: (value) => within(value, 0, 1),
  r2: (value) => within(value, Number.NEGATIVE_INFINITY, 1),
  correlation: (value) => within(value, -1, 1),
  positive: (value) => within(value, Number.MIN_VALUE, Number.MAX_VALUE),
  'not negative': (value) => within(value, 0, Number.MAX_VALUE),
  count: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  finite: (value) => Number.isFinite(value),
  text: (value) => typeof value === 'string' && value !== '',
  flag: (value) => typeof value === 'boolean',
  'positive or null': (value) => value === null || accepts.positive(value),
  'count or null': (value) => value === null || accepts.count(value),
};

function within(value: unknown, low: number, high: number): boolean {
  return typeof value === 'number' && value >= low && value <= high;
}

/** What does not fit, one line each: missing, unknown and wrong values. */
export function misfits(value: unknown, schema: Schema, path = 'results'): string[] {
  if (typeof schema === 'string')
    return accepts[schema](value) ? [] : [`${path}: expected ${schema}, got ${JSON.stringify(value)}`];
  if (typeof value !== 'object' || value === null) return [`${path}: expected an object, got ${JSON.stringify(value)}`];
  const found = value as Record<string, unknown>;
  const wanted = schema as Readonly<Record<string, Schema>>; // an array is an object of its indices
  return [
    ...Object.keys(found)
      .filter((key) => !Object.hasOwn(wanted, key))
      .map((key) => `${path}.${key}: unknown`),
    ...Object.keys(wanted).flatMap((key) =>
      Object.hasOwn(found, key) ? misfits(found[key], wanted[key], `${path}.${key}`) : [`${path}.${key}: missing`],
    ),
  ];
}

/** Every name in the schema. */
export function namesIn(schema: Schema): string[] {
  if (typeof schema === 'string') return [];
  if (Array.isArray(schema)) return schema.flatMap(namesIn);
  return Object.entries(schema as Readonly<Record<string, Schema>>).flatMap(([name, part]) => [name, ...namesIn(part)]);
}
