// What the peers in JavaScript have in common: weights, batches and the three steps that are compared.
import { readFileSync } from 'node:fs';
import { type HostTensor, parseSafetensors } from '#lib/io/safetensors.js';
import { serve, turn } from '../harness/serve.js';
import { firstSteps, timedRate, turnMs } from '../harness/steps.js';
import { part } from '../models/vision.js';
import type { VitTrainConfig } from '../models/vit-train.js';

export interface VitInputs {
  readonly config: VitTrainConfig;
  /** Parameters by name, without `encoder.`, and the positions, which are fixed. */
  readonly weights: ReadonlyMap<string, HostTensor>;
  readonly positions: HostTensor;
  /** Patches [B, N, 3·p²] as the library's encoder cuts them, and targets [B, N, D]. */
  readonly batches: readonly { readonly patches: HostTensor; readonly target: HostTensor }[];
}

/** Nobody learns from how pictures are cut, so it is done here, outside the timed part: to the peers' advantage. */
function patchesOf({ shape, data }: HostTensor, patch: number): HostTensor {
  const [batch, channels, size] = shape;
  const grid = size / patch;
  const width = channels * patch * patch;
  const cut = new Float32Array(data.length);
  for (let i = 0; i < cut.length; i++) {
    const [inside, place] = [i % width, Math.floor(i / width)];
    const channel = Math.floor(inside / (patch * patch));
    const row = (Math.floor(place / grid) % grid) * patch + (Math.floor(inside / patch) % patch);
    const column = (place % grid) * patch + (inside % patch);
    const picture = Math.floor(place / (grid * grid));
    cut[i] = Number(data[((picture * channels + channel) * size + row) * size + column]);
  }
  return { dtype: 'float32', shape: [batch, grid * grid, width], data: cut };
}

export function vitInputs(path: string, config: string): VitInputs {
  const { tensors } = parseSafetensors(readFileSync(path));
  const given = JSON.parse(config) as VitTrainConfig;
  const weights = part(tensors, 'model.encoder.');
  const positions = weights.get('pos_embed') as HostTensor;
  weights.delete('pos_embed');
  const batches = [0, 1].map((index) => ({
    patches: patchesOf(tensors.get(`pixels.${index}`) as HostTensor, given.encoder.patchSize),
    target: tensors.get(`target.${index}`) as HostTensor,
  }));
  return { config: given, weights, positions, batches };
}

/** @param step of a batch at a learning rate, with the gradients' norm if asked for */
export async function serveVitSteps(
  step: (batch: 0 | 1, rate: number, withNorm: boolean) => Promise<{ loss: number; gradNorm: number }>,
): Promise<void> {
  let done = 0;
  const next = (rate: number, withNorm: boolean): ReturnType<typeof step> =>
    step((done++ % 2) as 0 | 1, rate, withNorm);
  await serve({
    check: () => firstSteps((rate) => next(rate, true)),
    time: () => turn(turnMs, () => next(timedRate, false)),
  });
}
