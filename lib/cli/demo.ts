import { join, resolve } from 'node:path';
import type { TrainingEvent } from '../train/events.js';
import { Trainer } from '../train/trainer.js';
import { physicsTraining } from '../world-model/physics-training.js';
import { UsageError } from './arguments.js';
import { duration } from './duration.js';
import {
  type Effort,
  effortFrom,
  examinePhysics,
  examinePlanning,
  finalHealth,
  publish,
  sha256,
  writeReport,
} from './examine.js';
import { interruptible } from './interrupt.js';
import type { Command } from './main.js';
import { Progress } from './progress.js';
import { machine, prepareOutputs, type Results } from './results.js';

/** Steps of the demo; at 5,000 frames a second, three and a half minutes. */
const defaultSteps = 4000;
const quickSteps = 220;
/**
 * `--minutes` is turned into steps by this constant, never by a clock: the result may not depend on the machine's speed. Enough for
 * two cores of 3,840 frames a second.
 */
const stepsPerMinute = 900;

export const command: Command = {
  spec: {
    name: 'demo',
    positionals: [],
    summary: 'learn physics from pixels, examine the model, plan with it, write a report',
    options: {
      quick: { type: 'boolean', help: 'about a minute: fewer steps, smaller test sets' },
      minutes: { type: 'number', value: 'M', help: `train for M · ${stepsPerMinute} steps instead of ${defaultSteps}` },
      scale: { type: 'number', value: 'X', help: 'share of the full test sets, above 0 and at most 1' },
      seed: { type: 'integer', value: 'S', help: 'seed of model, training and test clips (default 0)' },
      json: { type: 'string', value: 'FILE', help: 'write the results as JSON' },
      report: { type: 'string', value: 'FILE', help: 'where the HTML report goes (default: jepa-demo/report.html)' },
      out: { type: 'string', value: 'DIR', help: 'directory of model and report (default: jepa-demo)' },
    },
  },
  async run(parsed) {
    const seed = parsed.number('seed') ?? 0;
    const minutes = parsed.number('minutes');
    if (minutes !== undefined && !(minutes > 0))
      throw new UsageError(`expected --minutes to be above 0, got ${minutes}`);
    const quick = parsed.flag('quick');
    const steps =
      minutes === undefined ? (quick ? quickSteps : defaultSteps) : Math.max(1, Math.round(minutes * stepsPerMinute));
    const out = parsed.string('out') ?? 'jepa-demo';
    return demo({
      seed,
      steps,
      effort: effortFrom(parsed),
      out,
      json: parsed.string('json'),
      report: parsed.string('report') ?? join(out, 'report.html'),
    });
  },
};

async function demo({
  seed,
  steps,
  effort,
  out,
  json,
  report,
}: {
  readonly seed: number;
  readonly steps: number;
  readonly effort: Effort;
  readonly out: string;
  readonly json?: string;
  readonly report: string;
}): Promise<number> {
  const start = performance.now();
  const progress = new Progress();
  const path = resolve(out, 'physics.jepa');
  await prepareOutputs([path, report, json]);
  const { signal, release } = interruptible();
  try {
    progress.say(`seed ${seed}: training ${steps} steps of 16 clips on ${machine().target} kernels`);
    const { model, training, dataset } = physicsTraining({ preset: 'tiny', seed, clips: 16, workers: 1 });
    const events: TrainingEvent[] = [];
    let [trainSeconds, framesPerSecond] = [0, 0];
    for await (const event of new Trainer(training, { steps }).run(dataset, { signal })) {
      events.push(event);
      if (event.type === 'step')
        progress.update(
          `training: step ${event.step}/${steps}  loss ${event.metrics.loss.toFixed(3)}  ${event.samplesPerSecond.toFixed(0)} frames/s  ${duration(event.secondsLeft)} left`,
        );
      else if (event.type === 'warning') progress.say(`warning: ${event.message}`);
      else if (event.type === 'interrupted') {
        progress.say(`stopped at step ${event.step}: a demo is not resumed; \`jepa train\` can be`);
        return 130;
      } else if (event.type === 'done') [trainSeconds, framesPerSecond] = [event.seconds, event.samplesPerSecond];
    }
    await training.finish(await dataset.statisticsBatches());
    await model.save(path);
    progress.say(`trained in ${duration(trainSeconds)} at ${framesPerSecond.toFixed(0)} frames/s`);
    const physics = await examinePhysics(model, seed, effort, progress, signal);
    const planning = await examinePlanning(seed, effort, progress, signal);
    const results: Results = {
      version: 1,
      seed,
      steps,
      machine: machine(),
      wallSeconds: {
        train: trainSeconds,
        evaluate: physics.seconds,
        plan: planning.seconds,
        total: (performance.now() - start) / 1000,
      },
      framesPerSecond,
      physics: physics.results,
      planning: planning.results,
      health: await finalHealth(model, seed),
      checkpoint: { path, sha256: await sha256(path) },
    };
    await publish(results, json);
    await writeReport(report, { results, events, examples: physics.examples, planning: planning.examples });
    progress.say(`model ${path}\nreport ${resolve(report)}\n${duration(results.wallSeconds.total)} in all`);
    return 0;
  } finally {
    release();
  }
}
