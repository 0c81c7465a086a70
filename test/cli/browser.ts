/// <reference lib="dom" />
// A headless Chromium, and what a page must be for everybody who opens it.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Where Chromium is: CHROME_PATH, or one of its names in PATH. */
function chromePath(): string | undefined {
  if (process.env.CHROME_PATH) return process.env.CHROME_PATH;
  const folders = (process.env.PATH ?? '').split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
}

/** Runs with a browser, or skips and says why. */
export async function withChromium(
  context: { skip(note: string): void },
  use: (browser: Browser) => Promise<void>,
): Promise<void> {
  const executablePath = chromePath();
  if (!executablePath) {
    const reason = `no Chromium in PATH (${names.join(', ')}) and none in CHROME_PATH: pages were not opened`;
    console.warn(`skipped: ${reason}`);
    context.skip(reason);
    return;
  }
  const root = process.getuid?.() === 0; // whose processes Chromium cannot put into its sandbox
  const browser = await chromium.launch({ executablePath, args: root ? ['--no-sandbox'] : [] });
  try {
    await use(browser);
  } finally {
    await browser.close();
  }
}

/** A page on a phone, with all that goes wrong in it. */
export async function openPage(browser: Browser, url: string): Promise<{ page: Page; wrong: string[] }> {
  const page = await (await browser.newContext({ viewport: { width: 390, height: 800 } })).newPage();
  const wrong: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) wrong.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => wrong.push(error.message));
  page.on('requestfailed', (request) => {
    const error = request.failure()?.errorText ?? '';
    if (error !== 'net::ERR_ABORTED') wrong.push(`${error}: ${request.url()}`); // the page itself ended that one
  });
  page.on('request', (request) => {
    const own = request.url().startsWith('data:') || new URL(request.url()).origin === new URL(url).origin;
    if (!own) wrong.push(`asked for ${request.url()}`);
  });
  await page.goto(url);
  return { page, wrong };
}

/** Every canvas shows a picture of several colours, and another one at another frame if it has more than one. */
export async function expectMovingPictures(page: Page, least: number): Promise<void> {
  const players = page.locator('clip-player');
  await page.waitForFunction(() => !document.querySelector('clip-player img'));
  expect(await players.count()).toBeGreaterThanOrEqual(least);
  for (const player of await players.all()) {
    const name = await player.getAttribute('data-name');
    const canvases = await player.locator('canvas').all();
    expect(canvases.length, name ?? '').toBeGreaterThan(0);
    const pictures = async (frame: number): Promise<string[]> => {
      await player.locator('input').fill(String(frame));
      return Promise.all(
        canvases.map((canvas) =>
          canvas.evaluate((node: HTMLCanvasElement) => {
            // Read from a copy: Chromium would warn of readers of the canvas itself.
            const copy = new OffscreenCanvas(node.width, node.height).getContext('2d', { willReadFrequently: true })!;
            copy.drawImage(node, 0, 0);
            const { data } = copy.getImageData(0, 0, node.width, node.height);
            const colours = new Set(new Uint32Array(data.buffer));
            return colours.size > 1 ? node.toDataURL() : 'blank';
          }),
        ),
      );
    };
    const last = Number(await player.locator('input').getAttribute('max'));
    const [first, then] = [await pictures(0), await pictures(last)];
    expect([...first, ...then], name ?? '').not.toContain('blank');
    expect(first.join() === then.join(), `${name} moves`).toBe(false);
  }
}

/** The first player by keyboard alone. */
export async function expectKeyboard(page: Page): Promise<void> {
  const player = page.locator('clip-player').first();
  const [button, slider] = [player.locator('button'), player.locator('input')];
  await button.focus();
  const before = await button.textContent();
  await page.keyboard.press('Space');
  expect(await button.textContent()).not.toBe(before);
  await page.keyboard.press('Tab');
  expect(await slider.evaluate((node) => node === document.activeElement)).toBe(true);
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowRight');
  expect(await slider.inputValue()).toBe('1');
  expect(await slider.getAttribute('aria-valuetext')).toMatch(/^2 of /);
  expect(await button.textContent()).toBe('Play'); // whoever looks at one frame has stopped the clip
}

/** Names for all that a screen reader stops at, headings in order, and text that can be read by day and at night. */
export async function expectReadable(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send('Accessibility.getFullAXTree');
  const seen = nodes.filter(({ ignored }) => !ignored);
  const role = (node: (typeof nodes)[number]): string => String(node.role?.value);
  const named = ['button', 'slider', 'image', 'img', 'progressbar', 'heading', 'region', 'log', 'RootWebArea'];
  const nameless = seen.filter((node) => named.includes(role(node)) && !node.name?.value);
  expect(nameless.map(role)).toEqual([]);
  expect(seen.map(role)).toEqual(expect.arrayContaining(['main', 'heading', 'button', 'slider']));
  const levels = seen
    .filter((node) => role(node) === 'heading')
    .map((node) => Number(node.properties?.find(({ name }) => name === 'level')?.value.value));
  expect(levels[0]).toBe(1);
  for (const [index, level] of levels.entries())
    if (index > 0) expect(level, `heading ${index}`).toBeLessThanOrEqual(levels[index - 1] + 1);
  expect(await page.getAttribute('html', 'lang')).toBe('en');
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await page.evaluate(faintTexts), colorScheme).toEqual([]);
  }
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
}

/** Texts whose contrast to what is behind them is below 4.5 (WCAG 2.2, 1.4.3). Runs in the page. */
function faintTexts(): string[] {
  const channels = (colour: string): number[] => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (colour: string): number => {
    const [r, g, b] = channels(colour)
      .slice(0, 3)
      .map((value) => (value <= 10.31475 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (start: Element): string => {
    for (let node: Element | null = start; node; node = node.parentElement) {
      const { backgroundColor } = getComputedStyle(node);
      if (channels(backgroundColor)[3] !== 0) return backgroundColor;
    }
    return 'rgb(255, 255, 255)';
  };
  const faint: string[] = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = walker.nextNode(); text; text = walker.nextNode()) {
    const element = text.parentElement;
    if (!element || !text.textContent?.trim() || ['SCRIPT', 'NOSCRIPT', 'STYLE'].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const [a, b] = [luminance(element instanceof SVGElement ? style.fill : style.color), luminance(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) faint.push(`${text.textContent.trim().slice(0, 30)}: ${contrast.toFixed(2)}`);
  }
  return faint;
}
