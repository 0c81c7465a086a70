import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import { checkpointPath } from '../train/checkpoint.js';
import { Trainer } from '../train/trainer.js';
import type { ObjectiveOptions } from '../world-model/objective.js';
import type { WorldModelTrainingOptions } from '../world-model/training.js';
import { interruptible } from './interrupt.js';
import type { Command } from './main.js';
import { physicsTraining } from './physics-training.js';
import { duration, Progress } from './progress.js';

/** A training run as `jepa train CONFIG` reads it from JSON. */
interface RunConfig {
  readonly world: 'physics';
  readonly preset: 'tiny' | 'small';
  readonly seed: number;
  readonly steps: number;
  readonly clips: number;
  readonly checkpointEvery: number;
  readonly workers: number;
  readonly objective: Partial<ObjectiveOptions>;
  readonly training: Omit<WorldModelTrainingOptions, 'objective'>;
}

const defaults: RunConfig = {
  world: 'physics',
  preset: 'tiny',
  seed: 0,
  steps: 2000,
  clips: 16,
  checkpointEvery: 250,
  workers: 1,
  objective: {},
  training: {},
};

export const command: Command = {
  spec: {
    name: 'train',
    positionals: ['[CONFIG]'],
    summary: 'train a world model from a JSON configuration, or go on with a run',
    options: {
      run: { type: 'string', value: 'DIR', help: 'directory of the run: checkpoint, log, configuration, model' },
      resume: { type: 'string', value: 'DIR', help: 'go on from the last checkpoint of this directory' },
      steps: { type: 'integer', help: 'steps of the whole run, instead of those in the configuration' },
    },
  },
  async run(parsed) {
    const resume = parsed.string('resume');
    const directory = resume ?? parsed.string('run');
    if (!directory)
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        '[train] expected --run DIR for a new run or --resume DIR to go on with one',
      );
    const source = resume ? join(resume, 'config.json') : parsed.positionals[0];
    const config = {
      ...defaults,
      ...(source ? await readConfig(source) : {}),
      ...(parsed.number('steps') === undefined ? {} : { steps: parsed.number('steps') as number }),
    };
    return train(config, directory, resume !== undefined);
  },
};

async function readConfig(path: string): Promise<Partial<RunConfig>> {
  let config: Partial<RunConfig>;
  try {
    config = JSON.parse(await readFile(path, 'utf8')) as Partial<RunConfig>;
  } catch (cause) {
    throw new JepaError(
      'ERR_JEPA_CONFIG',
      `[train] expected a JSON configuration in ${path}: ${(cause as Error).message}`,
      { cause },
    );
  }
  checkOptions('train configuration', config, Object.keys(defaults));
  if (config.world !== undefined && config.world !== 'physics')
    throw new JepaError('ERR_JEPA_CONFIG', `[train] expected world 'physics', got '${String(config.world)}'`);
  return config;
}

async function train(config: RunConfig, directory: string, resume: boolean): Promise<number> {
  const progress = new Progress();
  const { model, training, dataset } = physicsTraining(config);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
  const trainer = new Trainer(training, { steps: config.steps, directory, checkpointEvery: config.checkpointEvery });
  if (resume && existsSync(checkpointPath(directory))) {
    const warning = await trainer.resume(checkpointPath(directory));
    if (warning) progress.say(`warning: ${warning}`);
    progress.say(`going on from step ${trainer.step} of ${config.steps}`);
  } else if (resume) progress.say(`no checkpoint in ${directory} yet: starting at step 0`);
  const { signal, release } = interruptible();
  try {
    for await (const event of trainer.run(dataset, { signal })) {
      if (event.type === 'step')
        progress.update(
          `step ${event.step}/${event.steps}  loss ${event.metrics.loss.toFixed(3)}  ${event.samplesPerSecond.toFixed(0)} frames/s  ${duration(event.secondsLeft)} left`,
        );
      else if (event.type === 'warning') progress.say(`warning: ${event.message}`);
      else if (event.type === 'interrupted') {
        progress.say(`stopped at step ${event.step}; go on with: jepa train --resume ${directory}`);
        return 130;
      }
    }
  } finally {
    release();
  }
  await training.finish(await dataset.statisticsBatches());
  const path = join(directory, 'model.jepa');
  await model.save(path);
  progress.say(`trained ${config.steps} steps; the model is ${path}`);
  console.log(path);
  return 0;
}
