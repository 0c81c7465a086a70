import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LivePage } from '#lib/cli/watch/live-page.js';
import { ModelWatch } from '#lib/cli/watch/model-watch.js';
import { Trainer } from '#lib/train/index.js';
import { physicsTraining } from '#lib/world-model/physics-training.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { expectKeyboard, expectMovingPictures, expectReadable, openPage, withChromium } from './browser.js';
import { jepa, start } from './command.js';

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

/** One request, with headers that `fetch` would not let through. */
function ask(url: string, { method = 'GET', host }: { method?: string; host?: string } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, agent: false, ...(host ? { headers: { host } } : {}) }, (response) => {
      let body = '';
      response.on('data', (part: Buffer) => {
        body += part.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    asked.on('error', reject).end();
  });
}

/** The messages of a stream of server-sent events that has ended. */
const messages = (text: string): [string, Record<string, unknown>][] =>
  [...text.matchAll(/^event: (\w+)\ndata: (.*)\n\n/gm)].map(([, name, data]) => [name, JSON.parse(data)]);

const step = (at: number) =>
  ({ type: 'step', step: at, steps: 100, metrics: { loss: 1 / at }, samplesPerSecond: 10, secondsLeft: 5 }) as const;

describe('the live page', () => {
  it('tells whoever comes late what has happened, and ends with the training', async () => {
    const page = await LivePage.open('A <run>', { events: [step(10)] });
    page.training(step(20));
    page.look({ step: 20, samples: [], violations: [] });
    const stream = ask(`${page.url}events`);
    const { body } = await ask(page.url);
    expect(body).toContain('<h1>A &lt;run&gt;</h1>');
    page.training(step(30));
    await page.close('trained 30 steps');
    const told = messages((await stream).body);
    expect(told.map(([name]) => name)).toEqual(['run', 'training', 'end']);
    expect(told[0][1]).toMatchObject({ events: [{ step: 10 }, { step: 20 }], look: { step: 20 } });
    expect(told[1][1]).toEqual(step(30));
    expect(told[2][1]).toEqual({ message: 'trained 30 steps' });
    await expect(ask(page.url)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('answers this machine only, gives its own files only, and lets its page ask nobody else', async () => {
    const page = await LivePage.open('run');
    const { hostname, port } = new URL(page.url);
    expect(hostname).toBe('127.0.0.1');
    const { headers } = await ask(page.url);
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    expect((await ask(page.url, { host: `evil.example:${port}` })).status).toBe(403);
    expect((await ask(page.url, { host: `localhost:${port}` })).status).toBe(200);
    expect((await ask(page.url, { method: 'POST' })).status).toBe(405);
    for (const path of ['train.js', 'browser/live.js.map', 'browser/..%2ftrain.js', 'package.json', 'favicon.ico'])
      expect((await ask(`${page.url}${path}`)).status, path).toBe(404);
    await expect(LivePage.open('another', { port: Number(port) })).rejects.toThrow(
      `[watch] expected port ${port} to be free, got EADDRINUSE`,
    );
    await page.close('done');
  });

  it('leaves a training as it is, to the bit', async () => {
    const options = { preset: 'tiny', seed: 5, clips: 4, workers: 1 } as const;
    const weights = async (looked: boolean): Promise<Uint8Array> => {
      const { training, dataset } = physicsTraining(options);
      const { signal } = new AbortController();
      const watch = looked ? await ModelWatch.open({ training, dataset, seed: 5, signal }) : undefined;
      for await (const event of new Trainer(training, { steps: 4, healthEvery: 2 }).run(watch?.dataset ?? dataset)) {
        if (event.type !== 'health' || !watch) continue;
        const { samples, violations } = await watch.look(event.step);
        expect(samples).toHaveLength(4);
        expect(samples[0].strip).toMatchObject({ height: 64, width: 16 * 64 });
        for (const { possibleSurprise, impossibleSurprise } of violations)
          for (const value of [...possibleSurprise, ...impossibleSurprise]) expect(value).toBeGreaterThan(0);
        expect(violations.map(({ property }) => property)).toEqual([
          'continuity',
          'permanence-occluded',
          'gravity-reversed',
        ]);
      }
      watch?.dispose();
      const state = await training.stateDict();
      training.dispose();
      return Buffer.concat(
        [...state.values()].map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
      );
    };
    expect(Buffer.compare(await weights(true), await weights(false))).toBe(0);
  });
});

describe('jepa train --watch', () => {
  it('can be watched in a browser, by keyboard, at a phone’s width, until it is stopped', async (context) => {
    await withChromium(context, async (browser) => {
      const folder = temporaryFolder();
      const { child, ended, said } = start(['train', '--run', join(folder, 'run'), '--watch']);
      try {
        const [, url] = /watch at (\S+)/.exec(await said('step 10/')) ?? [];
        expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
        const { page, wrong } = await openPage(browser, url);
        await page.waitForSelector('#status[data-state="live"]');
        await page.waitForSelector('#loss-content svg');
        expect(await page.textContent('#step')).toMatch(/^\d+ of 2000$/);
        expect(await page.textContent('#noticed')).toMatch(/^[0-3] of 3$/);
        await expectMovingPictures(page, 4);
        await expectKeyboard(page);
        await expectReadable(page);
        child.kill('SIGINT');
        await page.waitForSelector('#status[data-state="done"]');
        expect(await page.textContent('#status')).toMatch(/^stopped at step \d+$/);
        expect(wrong).toEqual([]);
        expect((await ended).code).toBe(130);
      } finally {
        child.kill('SIGKILL');
      }
    });
  }, 400_000);

  it('refuses ports that mean nothing', async () => {
    const refused = async (...args: string[]): Promise<string> => (await jepa(['train', '--run', 'x', ...args])).stderr;
    expect(await refused('--port', '80')).toContain('expected --port together with --watch');
    expect(await refused('--watch', '--port', '70000')).toContain('expected --port to be from 0 to 65535, got 70000');
  });
});
