import { MultiBlockMasking, TubeMasking } from '#lib/nn/masks/index.js';
import type { Tensor } from '#lib/tensor/index.js';
import type { GoldenCall } from '../case.js';
import { sameDistribution } from '../chi-square.js';
import { numbersOf, type Verdict, verdict } from '../compare.js';
import type { Family } from './index.js';

/** Sizes of blocks for given uniform numbers, exactly, and statistics of our own draws beside the reference's. */
export const runMasks: Family = async (call) => {
  if (call.options.op === 'multiblock2d') return { composed: [], tensors: await pictures(call) };
  if (call.options.op === 'multiblock3d') return { composed: [], tensors: await clips(call) };
  throw new Error(`masks '${String(call.options.op)}' are not known to this library`);
};

const singles = 5000;
const batches = 312;
const batchSize = 16;
const seed = 20260101;

const golden = (call: GoldenCall, name: string): number[] => {
  const words = call.words.get(name);
  if (words) return [...words];
  const host = call.tensors.get(name);
  if (!host) throw new Error(`the case has no tensor '${name}'`);
  return [...numbersOf(host)];
};

type Size = readonly number[];

/** What is counted of the draws of one case. */
class Counts {
  readonly sizes = new Map<string, Map<string, number>>();
  readonly histograms = new Map<string, number[]>();

  /** A block size under the name of its list of sizes. */
  size(name: string, size: Size): void {
    const known = this.sizes.get(name) ?? new Map<string, number>();
    this.sizes.set(name, known);
    known.set(size.join(), (known.get(size.join()) ?? 0) + 1);
  }

  add(name: string, at: number, length: number): void {
    const known = this.histograms.get(name) ?? new Array<number>(length).fill(0);
    this.histograms.set(name, known);
    known[at]++;
  }
}

async function pictures(call: GoldenCall): Promise<Verdict[]> {
  const o = call.options as {
    grid: [number, number];
    enc_mask_scale: [number, number];
    pred_mask_scale: [number, number];
    aspect_ratio: [number, number];
    nenc: number;
    npred: number;
    min_keep: number;
    allow_overlap: boolean;
  };
  const masking = new MultiBlockMasking({
    grid: o.grid,
    contextScale: o.enc_mask_scale,
    targetScale: o.pred_mask_scale,
    targetAspect: o.aspect_ratio,
    contexts: o.nenc,
    targets: o.npred,
    minKeep: o.min_keep,
    allowOverlap: o.allow_overlap,
  });
  const [height, width] = o.grid;
  const tokens = height * width;
  const counts = new Counts();
  for (let step = 0; step < singles; step++) {
    const { contexts, targets, contextSize, targetSize } = masking.sample(1, { seed, step });
    counts.size('target', targetSize);
    counts.size('context', contextSize);
    const context = await data(contexts[0]);
    counts.add('context_count_hist', context.length, tokens + 1);
    for (const token of context) counts.add('context_probability', token, tokens);
    const union = new Set<number>();
    for (const target of await Promise.all(targets.map(data))) {
      counts.add('target_top_hist', Math.floor(target[0] / width), height);
      counts.add('target_left_hist', target[0] % width, width);
      for (const token of target) union.add(token);
    }
    counts.add('target_union_hist', union.size, tokens + 1);
    for (const token of union) counts.add('target_probability', token, tokens);
  }
  for (let step = 0; step < batches; step++) {
    const { contexts } = masking.sample(batchSize, { seed: seed + 1, step });
    counts.add('batch_context_length_hist', contexts[0].shape[1], tokens + 1);
  }
  const uniforms = golden(call, 'input.uniforms');
  return compared(call, counts, {
    target_size_of_uniforms: uniforms.flatMap((r) => masking.targetSize(r)),
    context_size_of_uniforms: uniforms.flatMap((r) => masking.contextSize(r)),
  });
}

async function clips(call: GoldenCall): Promise<Verdict[]> {
  const o = call.options as {
    grid: [number, number, number];
    aspect_ratio: [number, number];
    spatial_scale: [number, number];
    temporal_scale: [number, number];
    num_blocks: number;
    max_temporal_keep: number;
    max_keep: number | null;
    full_complement: boolean;
  };
  const masking = new TubeMasking({
    grid: o.grid,
    blocks: o.num_blocks,
    spatialScale: o.spatial_scale,
    temporalScale: o.temporal_scale,
    aspect: o.aspect_ratio,
    maxTemporalKeep: o.max_temporal_keep,
    maxKeep: o.max_keep ?? undefined,
    fullComplement: o.full_complement,
  });
  const tokens = o.grid.reduce((product, extent) => product * extent, 1);
  const counts = new Counts();
  for (let step = 0; step < singles; step++) {
    const { context, target, blockSize } = masking.sample(1, { seed, step });
    counts.size('block', blockSize);
    counts.add('context_count_hist', context.shape[1], tokens + 1);
    counts.add('target_count_hist', target.shape[1], tokens + 1);
    for (const token of await data(context)) counts.add('context_probability', token, tokens);
    for (const token of await data(target)) counts.add('target_probability', token, tokens);
  }
  for (let step = 0; step < batches; step++) {
    const { context, target } = masking.sample(batchSize, { seed: seed + 1, step });
    counts.add('batch_context_length_hist', context.shape[1], tokens + 1);
    counts.add('batch_target_length_hist', target.shape[1], tokens + 1);
  }
  const uniforms = golden(call, 'input.uniforms');
  return compared(call, counts, {
    block_size_of_uniforms: Array.from({ length: uniforms.length / 3 }, (_, k) =>
      masking.blockSize([uniforms[3 * k], uniforms[3 * k + 1], uniforms[3 * k + 2]]),
    ).flat(),
  });
}

const data = (indices: Tensor<'int32'>): Promise<Int32Array> => indices.data();

/** Every output by the comparison that the case names for it. */
function compared(call: GoldenCall, counts: Counts, exact: Record<string, number[]>): Verdict[] {
  const described = call.entry.outputs as Record<string, { comparison: string; bound?: number; shape: number[] }>;
  return call.outputs.flatMap((name): Verdict[] => {
    const short = name.slice('output.'.length);
    const { comparison, bound = 0, shape } = described[name];
    const expected = golden(call, name);
    const held = (error: number, tolerance: number): Verdict[] => [
      { name, error, tolerance, pass: error <= tolerance },
    ];
    switch (comparison) {
      case 'equal':
        return [verdict({ ...call, compare: 'equal' }, name, exact[short], expected, 'output')];
      case 'keys':
        return []; // belongs to its counts
      case 'subset': {
        const possible = new Set(Array.from({ length: shape[0] }, (_, k) => rowOf(expected, shape[1], k).join()));
        const drawn = counts.sizes.get(/^possible_(\w+)_sizes$/.exec(short)?.[1] ?? '');
        if (!drawn) throw new Error(`${name} is not known to this library`);
        return held([...drawn.keys()].filter((size) => !possible.has(size)).length, 0);
      }
      case 'chi-square': {
        const sizes = /^(\w+)_size_counts$/.exec(short)?.[1];
        const own = sizes ? countsOf(call, counts, sizes) : counts.histograms.get(short);
        if (!own) throw new Error(`${name} is not known to this library`);
        // Blocks of one draw share their size, so that their places are not independent.
        const least = short.startsWith('target_top') || short.startsWith('target_left') ? 1e-6 : 1e-4;
        const probability = sameDistribution(own, expected);
        return [{ name, error: 1 - probability, tolerance: 1 - least, pass: probability >= least }];
      }
      case 'max-deviation': {
        const own = counts.histograms.get(short) as number[];
        return held(Math.max(...expected.map((p, i) => Math.abs(p - (own?.[i] ?? 0) / singles))), bound);
      }
      case 'mean': {
        const [a, b] = [moments(expected), moments(counts.histograms.get(short) as number[])];
        return held(Math.abs(a.mean - b.mean), 4.5 * Math.sqrt(a.variance / a.count + b.variance / b.count));
      }
      default:
        throw new Error(`comparison '${comparison}' of ${name} is not known to this library`);
    }
  });
}

function rowOf(values: readonly number[], width: number, row: number): number[] {
  return values.slice(row * width, (row + 1) * width);
}

/** Our draws of the sizes that the reference's counts belong to; sizes that it never drew come last. */
function countsOf(call: GoldenCall, counts: Counts, name: string): number[] {
  const keys = golden(call, `output.${name}_sizes`);
  const drawn = new Map(counts.sizes.get(name));
  const width = call.tensors.get(`output.${name}_sizes`)?.shape[1] ?? 1;
  const own = Array.from({ length: keys.length / width }, (_, k) => {
    const key = rowOf(keys, width, k).join();
    const count = drawn.get(key) ?? 0;
    drawn.delete(key);
    return count;
  });
  return [...own, ...drawn.values()];
}

/** Mean and variance of what a histogram counts. */
function moments(histogram: readonly number[]): { count: number; mean: number; variance: number } {
  const count = histogram.reduce((sum, n) => sum + n, 0);
  const mean = histogram.reduce((sum, n, value) => sum + n * value, 0) / count;
  const variance = histogram.reduce((sum, n, value) => sum + n * (value - mean) ** 2, 0) / (count - 1);
  return { count, mean, variance };
}
