import { evaluateActionRanking, rankScorers } from '../eval/action-rank.js';
import { expectPhysicsModel } from '../eval/physics-model.js';
import { RankingCritic } from '../world-model/critic.js';
import { physicsCritic } from '../world-model/physics-training.js';
import { WorldModel } from '../world-model/world-model.js';
import { UsageError } from './arguments.js';
import { interruptible } from './interrupt.js';
import type { Command } from './main.js';
import { Progress } from './progress.js';
import { prepareOutputs, writeJson } from './results.js';
import { table } from './table.js';

export const command: Command = {
  spec: {
    name: 'rank',
    positionals: ['CHECKPOINT'],
    summary: 'which of two actions is better: how well a model of the physics suite orders plans',
    options: {
      split: { type: 'string', value: 'NAME', help: "'validation' (default) to choose settings by, 'test' to report" },
      seed: { type: 'integer', value: 'S', help: 'seed of the starts (default 0)' },
      starts: { type: 'integer', value: 'N', help: 'starts of eight plans each (default 100)' },
      critic: { type: 'string', value: 'FILE', help: 'a critic of the model, judged too' },
      train: { type: 'string', value: 'FILE', help: 'train such a critic first and save it there' },
      pictures: { type: 'boolean', help: 'with --train: learn from pictures of outcomes, not from true costs' },
      json: { type: 'string', value: 'FILE', help: 'write the results as JSON' },
    },
  },
  async run(parsed) {
    const split = parsed.string('split') ?? 'validation';
    if (split !== 'validation' && split !== 'test')
      throw new UsageError(`expected --split validation or test, got '${split}'`);
    const starts = parsed.number('starts') ?? 100;
    if (starts < 1) throw new UsageError(`expected --starts to be at least 1, got ${starts}`);
    const seed = parsed.number('seed') ?? 0;
    const json = parsed.string('json');
    const [critics, train] = [parsed.string('critic'), parsed.string('train')];
    if (critics !== undefined && train !== undefined)
      throw new UsageError('expected --critic FILE to judge a critic or --train FILE to make one, got both');
    if (parsed.flag('pictures') && train === undefined) throw new UsageError('expected --train FILE with --pictures');
    await prepareOutputs([json, train]);
    const model = await WorldModel.load(parsed.positionals[0]);
    expectPhysicsModel('rank', model); // before a critic is trained on it
    const progress = new Progress();
    const { signal, release } = interruptible();
    try {
      const critic = critics
        ? await RankingCritic.load(critics, model)
        : train
          ? await trained(model, { seed, path: train, costs: !parsed.flag('pictures'), progress, signal })
          : undefined;
      progress.update('simulating and ranking plans');
      const results = await evaluateActionRanking(model, { split, seed, starts, critic, signal });
      if (json) await writeJson(json, results);
      console.log(
        table([
          ['scorer', 'AUC', 'top-1 regret, random 1', 'm', 'Spearman', 'among elites'],
          ...rankScorers.flatMap((scorer) => {
            const scores = results.scorers[scorer];
            if (!scores) return [];
            const { auc, regret, regretCost, spearman, eliteSpearman } = scores;
            return [[scorer, ...[auc, regret, regretCost, spearman, eliteSpearman].map((value) => value.toFixed(3))]];
          }),
        ]),
      );
      const { confidence } = results;
      if (confidence)
        console.log(
          `\nthe ranking critic is ${(100 * confidence.confidence).toFixed(1)} % sure of its first choice and right in ${(100 * confidence.accuracy).toFixed(1)} % (calibration error ${confidence.calibrationError.toFixed(3)})`,
        );
      return 0;
    } finally {
      release();
    }
  },
};

async function trained(
  model: WorldModel,
  {
    seed,
    path,
    costs,
    progress,
    signal,
  }: {
    readonly seed: number;
    readonly path: string;
    readonly costs: boolean;
    readonly progress: Progress;
    readonly signal: AbortSignal;
  },
): Promise<RankingCritic> {
  progress.update('simulating plans to train the critic on');
  const critic = await physicsCritic(model, {
    seed,
    costs,
    signal,
    onStep: (step, loss) => progress.update(`training the critic: step ${step}  loss ${loss.toFixed(3)}`),
  });
  await critic.save(path);
  return critic;
}
