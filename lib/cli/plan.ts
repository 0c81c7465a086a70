import { JepaError } from '../errors.js';
import { evaluatePldmTwoRoom, pldmTwoRoomModel, trainPldmTwoRoom } from '../plan/pldm-two-room.js';
import { evaluateTwoRoom, trainTwoRoom, twoRoomModel } from '../plan/two-room.js';
import { evaluateReplanning } from '../plan/two-room-replanning.js';
import { WorldModel } from '../world-model/world-model.js';
import { UsageError } from './arguments.js';
import { duration } from './duration.js';
import { interruptible } from './interrupt.js';
import type { Command } from './main.js';
import { Progress } from './progress.js';
import { prepareOutputs, writeJson } from './results.js';

export const command: Command = {
  spec: {
    name: 'plan',
    positionals: ['CHECKPOINT'],
    summary: "plan with a model of Two-Room; CHECKPOINT 'new' trains one first and saves it to --out",
    options: {
      world: { type: 'string', value: 'NAME', help: "'two-room' (default) or 'pldm-two-room'" },
      episodes: { type: 'integer', value: 'N', help: 'episodes of each protocol (default 200)' },
      replanning: {
        type: 'boolean',
        help: 'also rows with rarer replanning, beside imitation of the training data',
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
    if (parsed.flag('replanning') && name !== 'two-room')
      throw new UsageError(`expected --replanning with --world two-room, got '${name}'`);
    const episodes = parsed.number('episodes') ?? 200;
    if (episodes < 1) throw new UsageError(`expected --episodes to be at least 1, got ${episodes}`);
    const seed = parsed.number('seed') ?? 0;
    const [out, json] = [parsed.string('out'), parsed.string('json')];
    await prepareOutputs([out, json]);
    const progress = new Progress();
    const { signal, release } = interruptible();
    try {
      const model = await modelOf(world, parsed.positionals[0], seed, progress, signal);
      if (out) await model.save(out);
      const rates = await world.evaluate(model, { seed, episodes, progress, signal });
      const results = parsed.flag('replanning')
        ? { ...rates, replanning: await evaluateReplanning(model, { seed, split: 'test', pairs: episodes, signal }) }
        : rates;
      if (json) await writeJson(json, results);
      console.log(JSON.stringify(results, null, 2));
      return 0;
    } finally {
      release();
    }
  },
};

interface Evaluation {
  readonly seed: number;
  readonly episodes: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** A world to plan in: its model, how it is trained, and what is measured. */
interface PlanningWorld {
  readonly title: string;
  readonly model: typeof twoRoomModel;
  readonly train: typeof trainTwoRoom;
  readonly evaluate: (model: WorldModel, options: Evaluation) => Promise<object>;
}

const worlds: Readonly<Record<string, PlanningWorld>> = {
  'two-room': {
    title: 'Two-Room (32 × 32 pictures, 10 actions)',
    model: twoRoomModel,
    train: trainTwoRoom,
    evaluate: (model, { seed, episodes, progress, signal }) =>
      evaluateTwoRoom(model, {
        seed,
        split: 'test',
        ownPairs: episodes,
        hardPairs: Math.min(episodes, 100),
        published: false,
        signal,
        onEpisode: (over, all) => progress.update(`planning: episode ${over}/${all}`),
      }),
  },
  'pldm-two-room': {
    title: "PLDM's Two-Room (65 × 65 pictures, 10 actions)",
    model: pldmTwoRoomModel,
    train: trainPldmTwoRoom,
    async evaluate(model, { seed, episodes, progress, signal }) {
      progress.update('planning, and the rows beside it');
      const rows = await evaluatePldmTwoRoom(model, { seed, split: 'test', episodes, signal });
      const { random, imitation, model: planned, straight, oracle } = rows;
      return { pldmTwoRoom: { random, imitation, model: planned, straight, oracle, episodes: rows.first.length } };
    },
  },
};

async function modelOf(
  world: PlanningWorld,
  path: string,
  seed: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<WorldModel> {
  if (path === 'new') {
    return world.train(seed, {
      signal,
      onEvent: (event) => {
        if (event.type === 'step')
          progress.update(`training: step ${event.step}/${event.steps}, ${duration(event.secondsLeft)} left`);
      },
    });
  }
  const model = await WorldModel.load(path);
  const wanted = world.model(seed).config;
  if (
    JSON.stringify(model.config.observation) !== JSON.stringify(wanted.observation) ||
    model.config.action.size !== wanted.action.size
  ) {
    throw new JepaError(
      'ERR_JEPA_CONFIG',
      `[plan] expected a model of ${world.title}, got ${JSON.stringify(model.config.observation)} with ${model.config.action.size} actions`,
      { help: ['`jepa plan new --out FILE` trains one'] },
    );
  }
  return model;
}
