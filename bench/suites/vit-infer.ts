// Forward pass of vision transformers: batches, and one picture at a time, from pixels in JavaScript to tokens in JavaScript.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeSafetensors } from '#lib/index.js';
import { type Candidate, noteScaling, ownCandidates, playFromFiles, pytorchCandidates } from '../harness/match.js';
import { nodePeer, nodePeerPath } from '../harness/node-peers.js';
import { contenderPath } from '../harness/paths.js';
import { type Measured, type Precision, precisions, type Run, type Suite } from '../harness/suite.js';
import {
  encoderFlops,
  pictures,
  stateOf,
  type VisionConfig,
  visionTransformer,
  vitSmall224,
  vitTiny64,
} from '../models/vision.js';
import { vitOnnx } from '../peers/vit-onnx.js';

/** Values of the result at places that all contenders have in common. */
export interface InferCheck {
  readonly tokens: readonly number[];
}

interface Case {
  readonly name: string;
  readonly config: VisionConfig;
  readonly batch: number;
}

const cases: readonly Case[] = [
  { name: 'ViT-Tiny/8 64² B=64', config: vitTiny64, batch: 64 },
  { name: 'ViT-Tiny/8 64² B=1', config: vitTiny64, batch: 1 },
  { name: 'ViT-S/16 224² B=8', config: vitSmall224, batch: 8 },
  { name: 'ViT-S/16 224² B=1', config: vitSmall224, batch: 1 },
];

/** Of one turn. */
export const turnMs = 400;

/** Rounding in float32 through twelve blocks; low precisions are told, not judged by it. */
const allowed: Record<Precision, number> = { float32: 1e-4, bfloat16: 0.05, int8: 0.15 };

/** Every 97th value: a prime, so that all channels and tokens have their turn. */
export function sampled(tokens: Float32Array): number[] {
  return Array.from({ length: Math.ceil(tokens.length / 97) }, (_, i) => tokens[97 * i]);
}

/** Largest difference in units of the largest value. */
export function difference({ tokens }: InferCheck, own: InferCheck): number {
  if (tokens.length !== own.tokens.length) return Number.POSITIVE_INFINITY;
  const scale = Math.max(...own.tokens.map(Math.abs));
  const worst = tokens.reduce((most, value, i) => Math.max(most, Math.abs(value - own.tokens[i])), 0);
  return Number.isNaN(tokens.reduce((sum, value) => sum + value, 0)) ? Number.POSITIVE_INFINITY : worst / scale;
}

/** Mean of the differences, of the mean absolute value. */
export function meanDifference({ tokens }: InferCheck, own: InferCheck): number {
  const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + Math.abs(value), 0);
  return total(tokens.map((value, i) => value - own.tokens[i])) / total(own.tokens);
}

/** onnxruntime with the attention of exporters and its own, and one thread beside all of them for a single picture. */
function onnxruntime(run: Run, threads: number, directory: string, batch: number): Candidate[] {
  const peer = nodePeer('onnxruntime-node');
  if ('missing' in peer) {
    run.note(`vit-infer without onnxruntime-node: ${peer.missing}`);
    return [];
  }
  const counts = batch === 1 ? [...new Set([threads, 1])] : [threads];
  return (['ops', 'fused'] as const).flatMap((attention) =>
    counts.map((count) => ({
      name: [
        `onnxruntime-node ${peer.version}`,
        ...(attention === 'fused' ? ['fused attention'] : []),
        ...(count === threads ? [] : ['one thread']),
      ].join(', '),
      precision: 'float32',
      command: process.execPath,
      arguments: [
        nodePeerPath('onnxruntime'),
        peer.folder,
        join(directory, `${attention}.onnx`),
        join(directory, 'inputs.safetensors'),
        String(count),
      ],
    })),
  );
}

function measure(run: Run, threads: number, { name, config, batch }: Case): Promise<Measured[]> {
  return playFromFiles<InferCheck>(
    run,
    {
      suite: 'vit-infer',
      case: name,
      threads,
      compare: (answer, own, precision) => ({
        error: difference(answer, own),
        mean: meanDifference(answer, own),
        allowed: allowed[precision],
      }),
      flops: batch * encoderFlops(config),
      count: batch,
    },
    async (directory) => {
      const path = join(directory, 'inputs.safetensors');
      const state = await stateOf(visionTransformer(config));
      const named = new Map([...state].map(([key, value]) => [`model.${key}`, value]));
      await writeSafetensors(path, named.set('pixels', pictures(batch, config.imageSize)));
      for (const attention of ['ops', 'fused'] as const)
        await writeFile(join(directory, `${attention}.onnx`), vitOnnx(config, state, attention));
      return [
        ...ownCandidates(run, [contenderPath('vit-infer'), path, JSON.stringify(config)]),
        ...onnxruntime(run, threads, directory, batch),
        ...pytorchCandidates(run, 'vit-infer', [path, JSON.stringify(config)], precisions),
      ];
    },
  );
}

export const vitInfer: Suite = {
  name: 'vit-infer',
  summary: 'forward pass of vision transformers, pictures a second',
  async run(run) {
    const rows: Measured[] = [];
    for (const one of cases.filter(({ name }) => name.includes(run.only)))
      for (const threads of run.threads) rows.push(...(await measure(run, threads, one)));
    noteScaling(run, 'vit-infer', rows);
    return rows;
  },
};
