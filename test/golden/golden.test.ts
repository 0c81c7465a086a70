// The copied golden cases through the library, and the runner's own promises.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { main, runFolder, type Summary } from './runner.js';

const data = fileURLToPath(new URL('./data/', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'jepa-golden-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const failures = ({ cases }: Summary): string[] =>
  cases.flatMap(({ path, case: name, problem, tensors }) =>
    problem === undefined
      ? tensors
          .filter(({ pass }) => !pass)
          .map((tensor) => `${path} ${name} ${tensor.name}: error ${tensor.error}, tolerance ${tensor.tolerance}`)
      : [`${path} ${name}: ${problem}`],
  );

test.each([
  ['ops', 900],
  ['lewm', 6],
  ['masks', 3],
  ['positions', 5],
  ['probes', 6],
  ['push-t', 3],
  ['schedules', 6],
  ['planner', 15],
  ['sigreg', 5],
  ['two-room', 4],
])('%s equals the reference implementations', { timeout: 120_000 }, async (folder, least) => {
  const summary = await runFolder(join(data, folder));
  expect(failures(summary)).toEqual([]);
  expect(summary.failed).toBe(0);
  expect(summary.passed).toBeGreaterThanOrEqual(least);
});

test.each([
  ['exp', 2],
  ['log', 2],
  ['rsqrt', 2],
  ['erf', 4],
  ['tanh', 4],
])('%s is within %d ULP on the grid of correctly rounded values', async (name, most) => {
  const { cases } = await runFolder(join(data, 'ops', `numerics_${name}`));
  const errors = cases.flatMap(({ tensors }) => tensors.map(({ error }) => error));
  expect(errors.length).toBeGreaterThan(0);
  for (const error of errors) expect(error).toBeLessThanOrEqual(most);
});

/** A folder with one case, changed. */
function changed(name: string, change: (file: Record<string, unknown>) => void): string {
  const folder = join(scratch, name);
  mkdirSync(folder);
  const file = JSON.parse(readFileSync(join(data, 'ops/loss_mse/case.json'), 'utf8')) as Record<string, unknown>;
  change(file);
  writeFileSync(join(folder, 'case.json'), JSON.stringify(file));
  writeFileSync(join(folder, 'io.safetensors'), readFileSync(join(data, 'ops/loss_mse/io.safetensors')));
  return folder;
}

describe('the command', () => {
  const run = async (...args: string[]): Promise<{ code: number; lines: string[] }> => {
    const lines: string[] = [];
    return { code: await main(args, (line) => lines.push(line)), lines };
  };

  test('prints a line a tensor and writes what it found', async () => {
    const file = join(scratch, 'found.json');
    const { code, lines } = await run(join(data, 'ops/softmax'), '--json', file);
    expect(code).toBe(0);
    expect(lines[0]).toMatch(/^ok {4}.*softmax .* output\.y {2}error \S+ {2}tolerance \S+$/);
    expect(lines.at(-1)).toMatch(/^\d+ passed, 0 failed$/);
    const { passed, failed, cases } = JSON.parse(readFileSync(file, 'utf8')) as Summary;
    expect(failed).toBe(0);
    expect(cases).toHaveLength(passed);
    expect(cases[0]).toMatchObject({ family: 'ops', composed: [] });
    expect(cases[0].tensors[0]).toMatchObject({ name: 'output.y', pass: true });
    expect(lines).toHaveLength(cases.flatMap(({ tensors }) => tensors).length + 1);
  });

  test('says which calls it composed', async () => {
    const { lines } = await run(join(data, 'ops/scatter_add_rows'));
    expect(lines[0]).toMatch(/composed$/);
  });

  test.each([
    [
      'a family',
      (file: Record<string, unknown>) => Object.assign(file, { family: 'cheese' }),
      "family 'cheese' is not known to this library",
    ],
    [
      'an op',
      (file: Record<string, unknown>) => Object.assign(file, { op: 'cheese' }),
      "op 'cheese' is not known to this library",
    ],
  ])('fails for %s that it does not know', async (what, change, message) => {
    const { code, lines } = await run(changed(what, change));
    expect(code).toBe(1);
    expect(lines[0]).toMatch(/^FAIL/);
    expect(lines[0]).toContain(message);
  });

  test('fails for a device or precision that is not there', async () => {
    const folder = join(data, 'ops/loss_mse');
    for (const [option, value] of [
      ['device', 'cuda'],
      ['precision', 'bfloat16'],
    ]) {
      const { code, lines } = await run(folder, `--${option}`, value);
      expect(code).toBe(1);
      expect(lines[0]).toContain(`${option} '${value}' is not there`);
    }
    await expect(run(folder, '--presicion', 'float32')).rejects.toThrow('--presicion');
  });

  test('fails for a folder without cases, and explains itself without a folder', async () => {
    mkdirSync(join(scratch, 'empty'));
    expect(await run(join(scratch, 'empty'))).toMatchObject({ code: 1 });
    expect(await run()).toMatchObject({ code: 2, lines: [expect.stringContaining('usage: npm run golden -- FOLDER')] });
    expect(await run(join(scratch, 'nowhere'))).toMatchObject({ code: 2 });
    const { code, lines } = await run(join(data, 'ops/softmax'), '--without', 'cheese');
    expect({ code, lines }).toEqual({
      code: 2,
      lines: [expect.stringMatching(/^expected --without one of fuse, share, .*, got 'cheese'$/)],
    });
  });

  test('sees a wrong value', async () => {
    const folder = changed('wrong', () => {});
    const path = join(folder, 'io.safetensors');
    const bytes = readFileSync(path);
    const length = Number(bytes.readBigUInt64LE());
    const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<string, { data_offsets: number[] }>;
    const at = 8 + length + header['0.output.y'].data_offsets[0];
    bytes.writeFloatLE(bytes.readFloatLE(at) * 1.001 + 1e-3, at);
    writeFileSync(path, bytes);
    const { code, lines } = await run(folder);
    expect(code).toBe(1);
    expect(lines.filter((line) => line.startsWith('FAIL'))).toHaveLength(1);
  });
});
