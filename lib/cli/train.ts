import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { JepaError } from '../errors.js';
import { ioError } from '../io/atomic-file.js';
import { checkOptions } from '../io/options.js';
import { checkpointPath } from '../train/checkpoint.js';
import { Trainer } from '../train/trainer.js';
import type { ObjectiveOptions } from '../world-model/objective.js';
import { physicsFrozenFraction, physicsTraining } from '../world-model/physics-training.js';
import type { PictureEncoder } from '../world-model/preset.js';
import type { WorldModelTrainingOptions } from '../world-model/training-settings.js';
import { UsageError } from './arguments.js';
import { interruptible } from './interrupt.js';
import type { Command } from './main.js';
import { describeStep, Progress } from './progress.js';
import { writeJson } from './results.js';
import { Onlookers } from './watch/onlookers.js';

/** A training run as `jepa train CONFIG` reads it from JSON. */
interface RunConfig {
  readonly world: 'physics';
  readonly preset: 'tiny' | 'small';
  readonly encoder: PictureEncoder;
  readonly predictor: 'recurrent' | 'transformer' | 'markov';
  readonly velocity: boolean;
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
  encoder: 'keypoints',
  predictor: 'recurrent',
  velocity: true,
  seed: 0,
  steps: 2000,
  clips: 16,
  checkpointEvery: 250,
  workers: 1,
  objective: {},
  training: { frozenFraction: physicsFrozenFraction },
};

export const command: Command = {
  spec: {
    name: 'train',
    positionals: ['[CONFIG]'],
    summary: 'train a world model of the physics suite from a JSON configuration, or go on with a run',
    options: {
      run: { type: 'string', value: 'DIR', help: 'directory of the run: checkpoint, log, configuration, model' },
      resume: { type: 'string', value: 'DIR', help: 'go on from the last checkpoint of this directory' },
      steps: { type: 'integer', help: 'steps of the whole run, instead of those in the configuration' },
      watch: { type: 'boolean', help: 'serve a live page of the training, to this machine only' },
      port: { type: 'integer', help: 'port of the live page, instead of a free one' },
      tensorboard: { type: 'boolean', help: 'write event files for TensorBoard into the directory of the run' },
    },
  },
  async run(parsed) {
    const [run, resume] = [parsed.string('run'), parsed.string('resume')];
    const [source] = parsed.positionals;
    const directory = run ?? resume;
    if (resume !== undefined && source !== undefined)
      throw new UsageError(`expected no CONFIG with --resume, which reads that of the run, got ${source}`);
    const given = source === undefined ? {} : await readConfig(source);
    if (directory === undefined || (run !== undefined && resume !== undefined))
      throw new UsageError('expected --run DIR for a new run or --resume DIR to go on with one');
    if (run !== undefined && existsSync(checkpointPath(run)))
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[train] expected --run to name a new directory, got ${run}, which holds a run`,
        {
          help: [`go on with it: jepa train --resume ${run}`, 'or name another directory'],
        },
      );
    const steps = parsed.number('steps');
    const of = resume === undefined ? given : await readConfig(join(resume, 'config.json'));
    const config = {
      ...defaults,
      velocity: (of.predictor ?? defaults.predictor) === 'recurrent',
      ...of,
      training: { ...defaults.training, ...of.training },
      ...(steps === undefined ? {} : { steps }),
    };
    checkConfig(config);
    const port = parsed.number('port');
    if (port !== undefined && !parsed.flag('watch')) throw new UsageError('expected --port together with --watch');
    if (port !== undefined && !(port >= 0 && port <= 65_535))
      throw new UsageError(`expected --port to be from 0 to 65535, got ${port}`);
    const { signal, release } = interruptible();
    try {
      return await train(config, directory, {
        resume: resume !== undefined,
        port: parsed.flag('watch') ? (port ?? 0) : undefined,
        tensorboard: parsed.flag('tensorboard'),
        signal,
      });
    } finally {
      release();
    }
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

interface TrainOptions {
  readonly resume: boolean;
  /** Port of the live page (0: a free one), if there is to be one. */
  readonly port: number | undefined;
  readonly tensorboard: boolean;
  readonly signal: AbortSignal;
}

async function train(
  config: RunConfig,
  directory: string,
  { resume, port, tensorboard, signal }: TrainOptions,
): Promise<number> {
  const progress = new Progress();
  const { model, training, dataset } = physicsTraining(config);
  const { world, steps, clips, checkpointEvery } = config;
  const trainer = new Trainer(training, { steps, directory, checkpointEvery, description: { world, clips } });
  if (resume && existsSync(checkpointPath(directory))) {
    const warning = await trainer.resume(checkpointPath(directory));
    if (warning) progress.say(`warning: ${warning}`);
    progress.say(`going on from step ${trainer.step} of ${steps}`);
  } else if (resume) progress.say(`no checkpoint in ${directory} yet: starting at step 0`);
  await mkdir(directory, { recursive: true }).catch((cause: unknown) => {
    throw ioError('write', directory, cause);
  });
  await writeJson(join(directory, 'config.json'), config); // only now: what cannot go on leaves its directory as it was
  const onlookers = new Onlookers({ training, dataset, seed: config.seed, signal }, (message) =>
    progress.say(`warning: ${message}`),
  );
  let outcome: string | undefined;
  try {
    if (port !== undefined)
      progress.say(`watch at ${await onlookers.openPage(directory, { port, step: trainer.step })}`);
    if (tensorboard) await onlookers.openBoard(directory, trainer.step);
    await onlookers.look(trainer.step);
    for await (const event of trainer.run(onlookers.dataset, { signal })) {
      await onlookers.see(event);
      if (event.type === 'step') progress.update(describeStep(event));
      else if (event.type === 'warning') progress.say(`warning: ${event.message}`);
      else if (event.type === 'interrupted') {
        outcome = `stopped at step ${event.step}`;
        progress.say(`${outcome}; go on with: jepa train --resume ${directory}`);
        return 130;
      }
    }
    await training.finish(await dataset.statisticsBatches());
    const path = join(directory, 'model.jepa');
    await model.save(path);
    outcome = `trained ${steps} steps`;
    progress.say(`${outcome}; the model is ${path}`);
    console.log(path);
    return 0;
  } finally {
    await onlookers.close(outcome ?? (signal.aborted ? 'the training was stopped' : 'the training failed'));
  }
}
