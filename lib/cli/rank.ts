import { evaluateActionRanking, rankScorers } from '../eval/action-rank.js';
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
    await prepareOutputs([json]);
    const model = await WorldModel.load(parsed.positionals[0]);
    const progress = new Progress();
    const { signal, release } = interruptible();
    try {
      progress.update('simulating and ranking plans');
      const results = await evaluateActionRanking(model, { split, seed, starts, signal });
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
      return 0;
    } finally {
      release();
    }
  },
};
