import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readCheckpoint } from '#lib/train/index.js';
import { Random } from '#lib/worlds/random.js';
import { temporaryFolder } from '../io/temporary-folder.js';

const script = fileURLToPath(new URL('./sensor-run.mjs', import.meta.url));
const steps = 50;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const checkpoint = (folder: string): string => join(folder, 'checkpoint.safetensors');
const hash = (folder: string): string =>
  createHash('sha256')
    .update(readFileSync(checkpoint(folder)))
    .digest('hex');

/** A process group of its own, so that all of its threads and children can be killed at once. */
function start(
  folder: string,
  checkpointEvery: number,
  threads: number,
): { child: ChildProcess; ended: Promise<string> } {
  const child = spawn(process.execPath, [script, folder, String(steps), String(checkpointEvery)], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, JEPA_THREADS: String(threads) },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part: Buffer) => (said += part.toString()));
  const ended = new Promise<string>((resolve) => {
    child.on('close', (code, signal) => resolve(`${said}${signal ?? `exit ${code}`}`));
  });
  return { child, ended };
}

const changed = (folder: string): number => (existsSync(checkpoint(folder)) ? statSync(checkpoint(folder)).mtimeMs : 0);

const saving = (folder: string): boolean => readdirSync(folder).some((name) => name.endsWith('.partial'));

function killGroup({ pid }: ChildProcess): void {
  try {
    process.kill(-(pid as number), 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it ended by itself just now
  }
}

test('killed at random moments, during saves too, and resumed: the same checkpoint, for one thread and for two', async () => {
  const whole = temporaryFolder();
  expect(await start(whole, 0, 1).ended).toBe('done\nexit 0');
  const again = temporaryFolder();
  expect(await start(again, 20, 2).ended).toBe('done\nexit 0');
  expect(hash(again)).toBe(hash(whole)); // neither threads, nor saves, nor clocks and folders enter

  const folder = temporaryFolder();
  const random = new Random(2024, 'kills');
  let last = 0;
  for (let kill = 0; kill < 8; kill++) {
    const before = changed(folder);
    const { child, ended } = start(folder, 1, 1 + (kill % 2)); // a save after every step
    let over = false;
    ended.then(() => (over = true));
    // The fourth is killed while it starts, every other one in the middle of a save, the rest at any time after the first step.
    if (kill !== 3) while (changed(folder) === before && !over) await pause(2);
    await pause(random.uniform(0, 100));
    if (kill % 2 === 0) while (!saving(folder) && !over) await pause(0);
    if (!over) killGroup(child);
    if ((await ended) !== 'SIGKILL') break;
    const { step } = await readCheckpoint(checkpoint(folder)); // whole, digest and all
    expect(step).toBeGreaterThanOrEqual(last);
    last = step;
  }
  expect(last).toBeGreaterThan(0);
  expect(await start(folder, 1, 2).ended).toBe('done\nexit 0');
  expect(hash(folder)).toBe(hash(whole));

  expect(readdirSync(folder).sort()).toEqual(['checkpoint.safetensors', 'log.jsonl']);
  const lines = readFileSync(join(folder, 'log.jsonl'), 'utf8').trimEnd().split('\n');
  const saved = lines.map((line) => JSON.parse(line)).filter(({ type }) => type === 'checkpoint');
  const order = saved.map(({ step }) => step as number);
  expect(order).toEqual([...new Set(order)].sort((a, b) => a - b)); // what happened twice is told once
  expect(order.at(-1)).toBe(steps);
}, 120_000);
