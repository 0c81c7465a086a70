import { join, resolve } from 'node:path';
import type { TrainingEvent } from '../train/events.js';
import { Trainer } from '../train/trainer.js';
import { physicsTraining } from '../world-model/physics-training.js';
import { findPretrained } from '../world-model/pretrained.js';
import { WorldModel } from '../world-model/world-model.js';
import { type Parsed, UsageError } from './arguments.js';
import { duration } from './duration.js';
import { effortFrom, examine, fullEffort, pretrainedEffort, type Trained } from './examine.js';
import { interruptible } from './interrupt.js';
import type { Command } from './main.js';
import { describeStep, Progress } from './progress.js';
import { machine, prepareOutputs } from './results.js';

/** Steps of the demo; at 4,600 frames a second, three minutes and twenty seconds. */
const defaultSteps = 3600;
const quickSteps = 220;
/**
 * `--minutes` is turned into steps by this constant, never by a clock: the result may not depend on the machine's speed. Enough for
 * two cores of 4,270 frames a second.
 */
const stepsPerMinute = 1000;

/** Targets whose kernels multiply in bfloat16 faster than in float32. */
const fastPairs = ['avx512_bf16', 'avx512_amx'];

export const command: Command = {
  spec: {
    name: 'demo',
    positionals: [],
    summary: 'learn physics from pixels, examine the model, plan with it, write a report',
    options: {
      quick: { type: 'boolean', help: 'about a minute: fewer steps, smaller test sets' },
      pretrained: { type: 'boolean', help: 'examine the model of the package instead of training one: a minute' },
      minutes: { type: 'number', value: 'M', help: `train for M · ${stepsPerMinute} steps instead of ${defaultSteps}` },
      scale: { type: 'number', value: 'X', help: 'share of the full test sets, above 0 and at most 1' },
      seed: { type: 'integer', value: 'S', help: 'seed of model, training and test clips (default 0)' },
      json: { type: 'string', value: 'FILE', help: 'write the results as JSON' },
      report: { type: 'string', value: 'FILE', help: 'where the HTML report goes (default: jepa-demo/report.html)' },
      out: { type: 'string', value: 'DIR', help: 'directory of model and report (default: jepa-demo)' },
    },
  },
  async run(parsed) {
    const start = performance.now();
    const seed = parsed.number('seed') ?? 0;
    const pretrained = parsed.flag('pretrained');
    if (pretrained && parsed.number('minutes') !== undefined)
      throw new UsageError('expected no --minutes with --pretrained, which trains nothing');
    const steps = stepsFrom(parsed);
    const effort = effortFrom(parsed, pretrained ? pretrainedEffort : fullEffort);
    const out = parsed.string('out') ?? 'jepa-demo';
    const [json, report] = [parsed.string('json'), parsed.string('report') ?? join(out, 'report.html')];
    const path = pretrained ? (await findPretrained('physics')).path : resolve(out, 'physics.jepa');
    await prepareOutputs([...(pretrained ? [] : [path]), report, json]);
    const progress = new Progress();
    if (pretrained) progress.say(`seed ${seed}: examining the package's model on ${machine().target} kernels`);
    const { signal, release } = interruptible();
    try {
      const made = pretrained
        ? { model: await WorldModel.pretrained('physics') }
        : await trained({ seed, steps, path }, progress, signal);
      if (!made) return 130;
      await examine(made.model, { ...made, path, seed, effort, start, json, report }, progress, signal);
      const seconds = (performance.now() - start) / 1000;
      progress.say(`model ${path}\nreport ${resolve(report)}\n${duration(seconds)} in all`);
      return 0;
    } finally {
      release();
    }
  },
};

/** @throws UsageError */
function stepsFrom(parsed: Parsed): number {
  const minutes = parsed.number('minutes');
  if (minutes === undefined) return parsed.flag('quick') ? quickSteps : defaultSteps;
  if (!(minutes > 0)) throw new UsageError(`expected --minutes to be above 0, got ${minutes}`);
  return Math.max(1, Math.round(minutes * stepsPerMinute));
}

/** Trains a model and writes it; undefined where it was stopped. */
async function trained(
  { seed, steps, path }: { readonly seed: number; readonly steps: number; readonly path: string },
  progress: Progress,
  signal: AbortSignal,
): Promise<{ readonly model: WorldModel; readonly trained: Trained } | undefined> {
  const { target } = machine();
  const precision = fastPairs.includes(target) ? 'bfloat16' : 'float32';
  progress.say(`seed ${seed}: training ${steps} steps of 16 clips in ${precision} on ${target} kernels`);
  const { model, training, dataset } = physicsTraining({
    preset: 'tiny',
    seed,
    clips: 16,
    workers: 1,
    training: { precision },
  });
  const events: TrainingEvent[] = [];
  let [seconds, framesPerSecond] = [0, 0];
  for await (const event of new Trainer(training, { steps }).run(dataset, { signal })) {
    events.push(event);
    if (event.type === 'step') progress.update(`training: ${describeStep(event)}`);
    else if (event.type === 'warning') progress.say(`warning: ${event.message}`);
    else if (event.type === 'interrupted') {
      progress.say(`stopped at step ${event.step}: a demo is not resumed; \`jepa train\` can be`);
      return undefined;
    } else if (event.type === 'done') [seconds, framesPerSecond] = [event.seconds, event.samplesPerSecond];
  }
  await training.finish(await dataset.statisticsBatches());
  await model.save(path);
  progress.say(`trained in ${duration(seconds)} at ${framesPerSecond.toFixed(0)} frames/s`);
  return { model, trained: { steps, seconds, framesPerSecond, events } };
}
