import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TrainingLog } from '#lib/train/log.js';
import { temporaryFolder } from '../io/temporary-folder.js';

const warning = (step: number) => ({ type: 'warning', step, message: `at ${step}` }) as const;

test('a log is read up to a step, whole lines only, and rewound to it', async () => {
  const log = new TrainingLog(join(temporaryFolder(), 'log.jsonl'));
  expect(await log.read(100)).toEqual([]);
  for (const step of [10, 20, 30]) await log.append(warning(step));
  appendFileSync(log.path, '{"type":"step","step":2'); // a process was killed here
  expect(await log.read(20)).toEqual([warning(10), warning(20)]);
  expect(await log.read(100)).toEqual([warning(10), warning(20), warning(30)]);
  expect(await log.read(0)).toEqual([]);
  await log.rewind(20);
  expect(readFileSync(log.path, 'utf8')).toBe(`${JSON.stringify(warning(10))}\n${JSON.stringify(warning(20))}\n`);
});
