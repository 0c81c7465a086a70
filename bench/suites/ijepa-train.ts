// The whole training step of I-JEPA: target encoder, context encoder, predictor, loss, gradients, AdamW, moving average.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeSafetensors } from '#lib/index.js';
import { type Entrant, enter, noteScaling, ownCandidates, play, pytorchCandidates } from '../harness/match.js';
import { contenderPath } from '../harness/paths.js';
import { compareSteps, type StepCheck } from '../harness/steps.js';
import type { Measured, Run, Suite } from '../harness/suite.js';
import { IJepa, type IJepaConfig, ijepaFlops, masks } from '../models/ijepa.js';
import { pictures, stateOf, vitSmall224, vitTiny64 } from '../models/vision.js';

/** Of the moving average. */
export const momentum = 0.996;

const shared = { predictor: { width: 192, depth: 6, heads: 3 }, targets: 4 } as const;
const cases: readonly { readonly name: string; readonly config: IJepaConfig }[] = [
  { name: 'ViT-Tiny/8 64² B=64', config: { ...shared, encoder: vitTiny64, batch: 64 } },
  { name: 'ViT-S/16 224² B=8', config: { ...shared, encoder: vitSmall224, batch: 8 } },
];

/** Weights and two batches, the same for all contenders. The target encoder starts as the encoder. */
async function writeInputs(path: string, config: IJepaConfig): Promise<void> {
  const state = await stateOf(new IJepa(config), 'model.');
  for (const [name, tensor] of state)
    if (name.startsWith('model.encoder.')) state.set(name.replace('encoder', 'target_encoder'), tensor);
  for (const index of [0, 1]) {
    const { context, targets } = masks(config, 10 + index);
    state.set(`pixels.${index}`, pictures(config.batch, config.encoder.imageSize, index + 1));
    state.set(`context.${index}`, context).set(`targets.${index}`, targets);
  }
  await writeSafetensors(path, state);
}

async function measure(run: Run, threads: number, name: string, config: IJepaConfig): Promise<Measured[]> {
  const directory = await mkdtemp(join(tmpdir(), 'jepa-bench-'));
  let entrants: readonly Entrant[] = [];
  try {
    const path = join(directory, 'inputs.safetensors');
    await writeInputs(path, config);
    const inputs = [path, JSON.stringify(config)];
    const asked: Run = { ...run, precisions: run.precisions.filter((precision) => precision !== 'int8') };
    entrants = enter(run, threads, [
      ...ownCandidates(asked, [contenderPath('ijepa-train'), ...inputs]),
      ...pytorchCandidates(asked, 'ijepa-train', inputs),
    ]);
    return await play<StepCheck>(run, {
      suite: 'ijepa-train',
      case: name,
      threads,
      entrants,
      compare: compareSteps,
      flops: ijepaFlops(config),
      count: config.batch,
    });
  } finally {
    await Promise.all(entrants.map(({ contender }) => contender.close()));
    await rm(directory, { recursive: true });
  }
}

export const ijepaTrain: Suite = {
  name: 'ijepa-train',
  summary: 'whole training step of I-JEPA, pictures a second',
  async run(run) {
    const rows: Measured[] = [];
    for (const { name, config } of cases.filter((one) => one.name.includes(run.only)))
      for (const threads of run.threads) rows.push(...(await measure(run, threads, name, config)));
    noteScaling(run, 'ijepa-train', rows);
    return rows;
  },
};
