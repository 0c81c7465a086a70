import { WorldModel } from '../world-model/world-model.js';
import { examineAlarms } from './alarms.js';
import { UsageError } from './arguments.js';
import { effortFrom, examine } from './examine.js';
import { interruptible } from './interrupt.js';
import type { Command } from './main.js';
import { Progress } from './progress.js';
import { prepareOutputs } from './results.js';

export const command: Command = {
  spec: {
    name: 'eval',
    positionals: ['CHECKPOINT'],
    summary: 'examine a finished model against its floors and rivals',
    options: {
      suite: { type: 'string', value: 'NAME', help: "'physics' (default), or 'alarms' of sessions on it" },
      seed: { type: 'integer', value: 'S', help: 'seed of the test clips (default 0)' },
      quick: { type: 'boolean', help: 'smaller test sets' },
      scale: { type: 'number', value: 'X', help: 'share of the full test sets, above 0 and at most 1' },
      json: { type: 'string', value: 'FILE', help: 'write the results as JSON' },
      report: { type: 'string', value: 'FILE', help: 'write an HTML report' },
    },
  },
  async run(parsed) {
    const suite = parsed.string('suite') ?? 'physics';
    if (suite !== 'physics' && suite !== 'alarms')
      throw new UsageError(`expected --suite physics or alarms, got '${suite}'`);
    if (suite === 'alarms' && parsed.string('report'))
      throw new UsageError('expected no --report with --suite alarms, which has none');
    const start = performance.now();
    const [path] = parsed.positionals;
    await prepareOutputs([parsed.string('json'), parsed.string('report')]);
    const model = await WorldModel.load(path);
    const seed = parsed.number('seed') ?? 0;
    const effort = effortFrom(parsed);
    const progress = new Progress();
    const { signal, release } = interruptible();
    try {
      if (suite === 'alarms') {
        await examineAlarms(model, { seed, scale: effort.scale, json: parsed.string('json'), signal }, progress);
        return 0;
      }
      const outputs = { json: parsed.string('json'), report: parsed.string('report') };
      await examine(model, { path, seed, effort, start, ...outputs }, progress, signal);
      return 0;
    } finally {
      release();
    }
  },
};
