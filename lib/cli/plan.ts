import { JepaError } from '../errors.js';
import { describedObservation } from '../world-model/observations.js';
import { WorldModel } from '../world-model/world-model.js';
import { UsageError } from './arguments.js';
import { duration } from './duration.js';
import { interruptible } from './interrupt.js';
import type { Command } from './main.js';
import { type Evaluation, planningWorlds as worlds } from './planning-worlds.js';
import { Progress } from './progress.js';
import { prepareOutputs, writeJson } from './results.js';

export const command: Command = {
  spec: {
    name: 'plan',
    positionals: ['CHECKPOINT'],
    summary: "plan with a model of a world; CHECKPOINT 'new' trains one first and saves it to --out",
    options: {
      world: { type: 'string', value: 'NAME', help: `${Object.keys(worlds).join(', ')} (default two-room)` },
      episodes: { type: 'integer', value: 'N', help: 'episodes of each protocol (default 200)' },
      steps: {
        type: 'integer',
        value: 'N',
        help: 'steps of training a new model (default: as many as the world needs)',
      },
      replanning: {
        type: 'boolean',
        help: 'also rows with a plan made anew after every block of actions, after two, and never',
      },
      seed: { type: 'integer', value: 'S', help: 'seed of model and episodes (default 0)' },
      out: { type: 'string', value: 'FILE', help: 'where a new model is saved' },
      json: { type: 'string', value: 'FILE', help: 'write the results as JSON' },
    },
  },
  async run(parsed) {
    const name = parsed.string('world') ?? 'two-room';
    const world = Object.hasOwn(worlds, name) ? worlds[name] : undefined;
    if (!world) throw new UsageError(`expected --world ${Object.keys(worlds).join(' or ')}, got '${name}'`);
    const replanning = parsed.flag('replanning');
    if (replanning && !world.replans)
      throw new UsageError(
        `expected --replanning with --world ${Object.keys(worlds)
          .filter((each) => worlds[each].replans)
          .join(' or ')}, got '${name}'`,
      );
    const episodes = parsed.number('episodes') ?? 200;
    if (episodes < 1) throw new UsageError(`expected --episodes to be at least 1, got ${episodes}`);
    const steps = parsed.number('steps');
    if (steps !== undefined && steps < 1) throw new UsageError(`expected --steps to be at least 1, got ${steps}`);
    if (steps !== undefined && parsed.positionals[0] !== 'new')
      throw new UsageError("expected --steps with 'new': a model of a file is not trained");
    const seed = parsed.number('seed') ?? 0;
    const [out, json] = [parsed.string('out'), parsed.string('json')];
    await prepareOutputs([out, json]);
    const progress = new Progress();
    const { signal, release } = interruptible();
    try {
      const model = await modelOf(name, parsed.positionals[0], { seed, steps, progress, signal });
      if (out) await model.save(out);
      const results = await world.evaluate(model, { seed, episodes, replanning, progress, signal });
      if (json) await writeJson(json, results);
      console.log(JSON.stringify(results, null, 2));
      if (parsed.positionals[0] === 'new' && !out)
        progress.say('the new model was not kept: --out FILE saves it, and `jepa plan FILE` plans with it again');
      return 0;
    } finally {
      release();
    }
  },
};

interface Making extends Pick<Evaluation, 'seed' | 'progress' | 'signal'> {
  readonly steps?: number;
}

async function modelOf(name: string, path: string, { seed, steps, progress, signal }: Making): Promise<WorldModel> {
  const world = worlds[name];
  if (path === 'new') {
    progress.say(`a model of ${world.title}: recording what it learns from, then training`);
    return world.train(seed, {
      ...(steps === undefined ? {} : { steps }),
      signal,
      onEvent: (event) => {
        if (event.type === 'step')
          progress.update(`training: step ${event.step}/${event.steps}, ${duration(event.secondsLeft)} left`);
      },
    });
  }
  const model = await WorldModel.load(path);
  const { observation, action } = model.config;
  const { imageSize: side, actionSize } = world;
  const square = observation.kind === 'image' && observation.height === side && observation.width === side;
  if (!square || observation.channels !== 3 || action.size !== actionSize)
    throw new JepaError(
      'ERR_JEPA_CONFIG',
      `[plan] expected a model of ${world.title} (${side} × ${side} pictures, ${actionSize} actions), got one of ${describedObservation(observation)} with ${action.size} actions`,
      {
        help: [
          `\`jepa plan new --world ${name} --out FILE\` trains one`,
          'a model of another world plans by Planner and is measured by evaluatePlanning: docs/planning.md',
        ],
      },
    );
  return model;
}
