import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { JepaError } from '../errors.js';
import { ioError } from '../io/atomic-file.js';
import { checkOptions } from '../io/options.js';
import { checkpointPath } from '../train/checkpoint.js';
import { TensorBoardWriter } from '../train/tensorboard.js';
import { Trainer } from '../train/trainer.js';
import type { ObjectiveOptions } from '../world-model/objective.js';
import { physicsTraining } from '../world-model/physics-training.js';
import type { WorldModelTrainingOptions } from '../world-model/training.js';
import { UsageError } from './arguments.js';
import { interruptible } from './interrupt.js';
import type { Command } from './main.js';
import { duration, Progress } from './progress.js';
import { writeJson } from './results.js';

/** A training run as `jepa train CONFIG` reads it from JSON. */
interface RunConfig {
  readonly world: 'physics';
  readonly preset: 'tiny' | 'small';
  readonly encoder: 'convolution' | 'transformer';
  readonly predictor: 'recurrent' | 'transformer' | 'markov';
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
  encoder: 'convolution',
  predictor: 'recurrent',
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
      tensorboard: { type: 'boolean', help: 'write event files for TensorBoard into the directory of the run' },
    },
  },
  async run(parsed) {
    const [run, resume] = [parsed.string('run'), parsed.string('resume')];
    const [source] = parsed.positionals;
    const directory = run ?? resume;
    if (directory === undefined || (run !== undefined && resume !== undefined))
      throw new UsageError('expected --run DIR for a new run or --resume DIR to go on with one');
    if (resume !== undefined && source !== undefined)
      throw new UsageError(`expected no CONFIG with --resume, which reads that of the run, got ${source}`);
    if (run !== undefined && existsSync(checkpointPath(run)))
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[train] expected --run to name a new directory, got ${run}, which holds a run`,
        {
          help: [`go on with it: jepa train --resume ${run}`, 'or name another directory'],
        },
      );
    const steps = parsed.number('steps');
    const config = {
      ...defaults,
      ...(resume !== undefined
        ? await readConfig(join(resume, 'config.json'))
        : source
          ? await readConfig(source)
          : {}),
      ...(steps === undefined ? {} : { steps }),
    };
    checkConfig(config);
    return train(config, directory, { resume: resume !== undefined, tensorboard: parsed.flag('tensorboard') });
  },
};

async function readConfig(path: string): Promise<Partial<RunConfig>> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw ioError('read', path, cause);
  });
  let config: Partial<RunConfig>;
  try {
    config = JSON.parse(text) as Partial<RunConfig>;
  } catch (cause) {
    throw new JepaError(
      'ERR_JEPA_CONFIG',
      `[train] expected a JSON configuration in ${path}: ${(cause as Error).message}`,
      { cause },
    );
  }
  checkOptions('train configuration', config, Object.keys(defaults));
  return config;
}

/** Sizes that JSON may have wrong; the preset, its parts, objective and training options are checked where they are used. */
function checkConfig(config: RunConfig): void {
  if (config.world !== 'physics')
    throw new JepaError('ERR_JEPA_CONFIG', `[train] expected world 'physics', got ${JSON.stringify(config.world)}`);
  const least = { seed: Number.NEGATIVE_INFINITY, steps: 0, clips: 4, checkpointEvery: 0, workers: 1 };
  for (const [key, from] of Object.entries(least) as [keyof typeof least, number][]) {
    const value = config[key];
    if (!Number.isSafeInteger(value) || value < from)
      throw new JepaError(
        'ERR_JEPA_CONFIG',
        `[train] expected ${key} to be an integer${Number.isFinite(from) ? ` from ${from}` : ''}, got ${JSON.stringify(value)}`,
      );
  }
}

async function train(
  config: RunConfig,
  directory: string,
  { resume, tensorboard }: { readonly resume: boolean; readonly tensorboard: boolean },
): Promise<number> {
  const progress = new Progress();
  const { model, training, dataset } = physicsTraining(config);
  await mkdir(directory, { recursive: true }).catch((cause: unknown) => {
    throw ioError('write', directory, cause);
  });
  await writeJson(join(directory, 'config.json'), config);
  const trainer = new Trainer(training, { steps: config.steps, directory, checkpointEvery: config.checkpointEvery });
  if (resume && existsSync(checkpointPath(directory))) {
    const warning = await trainer.resume(checkpointPath(directory));
    if (warning) progress.say(`warning: ${warning}`);
    progress.say(`going on from step ${trainer.step} of ${config.steps}`);
  } else if (resume) progress.say(`no checkpoint in ${directory} yet: starting at step 0`);
  const board = tensorboard ? await TensorBoardWriter.open(directory, { step: trainer.step }) : undefined;
  const { signal, release } = interruptible();
  try {
    for await (const event of trainer.run(dataset, { signal })) {
      await board?.record(event);
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
    await board?.close();
  }
  await training.finish(await dataset.statisticsBatches());
  const path = join(directory, 'model.jepa');
  await model.save(path);
  progress.say(`trained ${config.steps} steps; the model is ${path}`);
  console.log(path);
  return 0;
}
