import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { WorldModel, WorldModelTraining } from '#lib/world-model/index.js';
import { physicsTrainingBatch } from '#lib/worlds/physics/training.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { root } from '../package/source-files.js';
import { expectKeyboard, expectMovingPictures, expectReadable, openPage, withChromium } from './browser.js';
import { jepa, start } from './command.js';
import { checkPage } from './page.js';
import { misfits, namesIn, resultsSchema, type Schema } from './results-schema.js';

const sections = ['Result', 'Training', 'A law is broken', 'Imagined against true', 'Planning', 'Made by'];
const small = ['--minutes', '0.002', '--scale', '0.01', '--seed', '3'];

describe('jepa demo', () => {
  let report: string;

  it('trains, examines, plans and reports; jepa eval finds the same numbers in its model', async () => {
    const folder = temporaryFolder();
    const demo = await jepa(['demo', ...small, '--out', 'out', '--json', 'json/demo.json', '--report', 'page.html'], {
      cwd: folder,
    });
    expect(demo.code, demo.stderr).toBe(0);
    expect(demo.stdout).toMatch(/^ +model +equal compute +autoencoder +pixel diff/); // data on stdout …
    expect(demo.stderr).toMatch(/seed 3: training 2 steps[\s\S]*examined in[\s\S]*planned in/); // … talk on stderr
    expect(readdirSync(folder).sort()).toEqual(['json', 'out', 'page.html']);
    expect(readdirSync(join(folder, 'out'))).toEqual(['physics.jepa']);
    const results = JSON.parse(readFileSync(join(folder, 'json/demo.json'), 'utf8'));
    expect(misfits(results, resultsSchema)).toEqual([]);
    expect(results).toMatchObject({ version: 1, seed: 3, steps: 2, planning: { twoRoom: { episodes: 202 } } });
    const path = join(folder, 'out', 'physics.jepa');
    const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
    expect(results.checkpoint).toEqual({ path, sha256 });
    report = readFileSync(join(folder, 'page.html'), 'utf8');
    expect(checkPage(report)).toEqual(sections);

    // The row at equal compute had as many operations as the autoencoder, to the nearest step.
    const model = await WorldModel.load(path);
    const each = await new WorldModelTraining(model).flops(await physicsTrainingBatch({ seed: 3 }, 0));
    const { autoencoderSteps, autoencoderFlops, equalComputeSteps } = results.physics.rivals;
    expect(Math.abs(autoencoderFlops / each - equalComputeSteps)).toBeLessThanOrEqual(0.5);
    const steps = new RegExp(`^ +steps of a rival’s training +${equalComputeSteps} +${autoencoderSteps} +0$`, 'm');
    expect(demo.stdout).toMatch(steps);

    const again = await jepa(
      [
        'eval',
        path,
        '--suite',
        'physics',
        '--scale',
        '0.01',
        '--seed',
        '3',
        '--json',
        'eval.json',
        '--report',
        'eval.html',
      ],
      { cwd: folder },
    );
    expect(again.code, again.stderr).toBe(0);
    const evaluated = JSON.parse(readFileSync(join(folder, 'eval.json'), 'utf8'));
    expect(misfits(evaluated, resultsSchema)).toEqual([]);
    expect(evaluated).toMatchObject({ steps: null, framesPerSecond: null, wallSeconds: { train: 0 } });
    expect(evaluated.physics).toEqual(results.physics); // same model, same seed: same numbers
    expect(evaluated.health).toEqual(results.health);
    const rates = ({ planMilliseconds: _, ...rest }: Record<string, unknown>) => rest;
    expect(rates(evaluated.planning.twoRoom)).toEqual(rates(results.planning.twoRoom));
    expect(evaluated.planning.twoRoomHard).toEqual(results.planning.twoRoomHard);
    expect(again.stdout).toBe(demo.stdout);
    expect(checkPage(readFileSync(join(folder, 'eval.html'), 'utf8'))).toEqual(sections);
  }, 400_000);

  it('examines the model of the package without training one', async () => {
    const folder = temporaryFolder();
    const { code, stdout, stderr } = await jepa(
      ['demo', '--pretrained', '--scale', '0.01', '--json', 'results.json', '--report', 'page.html'],
      { cwd: folder },
    );
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^ +model +equal compute +autoencoder +pixel diff/);
    expect(stderr).not.toMatch(/training \d+ steps/);
    const results = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'));
    expect(misfits(results, resultsSchema)).toEqual([]);
    const { physics } = JSON.parse(readFileSync(join(root, 'pretrained/models.json'), 'utf8'));
    expect(results).toMatchObject({ steps: null, wallSeconds: { train: 0 }, checkpoint: { sha256: physics.sha256 } });
    expect(results.physics.violations.macro.model.accuracy).toBeGreaterThan(80);
    expect(checkPage(readFileSync(join(folder, 'page.html'), 'utf8'))).toEqual(sections);
  }, 300_000);

  it('shows its report in a browser, by keyboard and at a phone’s width', async (context) => {
    await withChromium(context, async (browser) => {
      const path = join(temporaryFolder(), 'page.html');
      writeFileSync(path, report);
      const { page, wrong } = await openPage(browser, pathToFileURL(path).href);
      await expectMovingPictures(page, 3 + 3 + 4); // laws, imagined paths, planning episodes
      await expectKeyboard(page);
      await expectReadable(page);
      expect(wrong).toEqual([]);
    });
  });

  it('stopped by Ctrl-C while it trains or examines ends with 130 and leaves nothing half-written', async () => {
    const stopped = async (args: readonly string[], moment: string): Promise<void> => {
      const folder = temporaryFolder();
      const { child, ended, said } = start(['demo', ...args, '--json', 'results.json', '--out', 'out'], {
        cwd: folder,
      });
      await said(moment);
      child.kill('SIGINT');
      const { code, stdout, stderr } = await ended;
      expect(stderr).toMatch(/SIGINT: stopping after this step; again to stop at once/);
      expect([code, stdout], stderr).toEqual([130, '']);
      expect(stderr).not.toMatch(/\n\s+at /);
      expect(existsSync(join(folder, 'results.json'))).toBe(false);
      const left = readdirSync(join(folder, 'out'));
      expect(left.filter((name) => name !== 'physics.jepa')).toEqual([]);
      if (left.length > 0) await WorldModel.load(join(folder, 'out', 'physics.jepa')); // whole
    };
    await Promise.all([stopped(['--minutes', '9'], 'training: step'), stopped(small, 'examining: ')]);
  }, 300_000);
});

describe('docs/results.md', () => {
  it('says what every number of the results is', () => {
    const text = readFileSync(new URL('../../docs/results.md', import.meta.url), 'utf8');
    const [top, ...rest] = text.split(/^## /m);
    const section = (heading: string): string => rest.find((part) => part.startsWith(heading)) ?? '';
    const { physics, planning, ...others } = resultsSchema as Record<string, Schema>;
    const { violations, rivals, ...measures } = physics as Record<string, Schema>;
    const all: [string, string[]][] = [
      [top, [...namesIn(others), 'physics', 'planning']],
      [section('physics.violations'), namesIn({ ...(violations as object), ...(rivals as object) } as Schema)],
      [section('physics.counterfactual'), namesIn(measures)],
      [section('planning'), namesIn(planning)],
    ];
    const named = (part: string): Set<string> =>
      new Set([...part.matchAll(/`([^`\n]+)`/g)].flatMap(([, code]) => code.split(/[^\w-]+/)));
    const missing = all.flatMap(([part, names]) =>
      names.filter((name) => !/^\d+$/.test(name) && !named(part).has(name)),
    );
    expect(missing).toEqual([]);
    for (const heading of ['violations', 'counterfactual', 'actionRank', 'probes', 'rollout'])
      expect(text).toMatch(new RegExp(`^## .*\\.${heading}\\b`, 'm'));
  });
});
