import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { lineChart } from '#lib/cli/page/chart.js';
import { clipPlayer } from '#lib/cli/page/clip-player.js';
import { escapeHtml, figure } from '#lib/cli/page/html.js';
import { table } from '#lib/cli/table.js';
import { encodePng } from '#lib/io/png-writer.js';
import { checkPage } from './page.js';

const labels = { title: 'A <b> & "c"', xLabel: 'x' };

describe('charts', () => {
  it('are well-formed, escaped, and drawn inside their frame', () => {
    const svg = lineChart(
      [
        {
          name: 'one',
          points: [
            [0, 1],
            [5, 100],
            [10, 0.01],
          ],
        },
        { name: '<two>', points: [[2, 3]] },
      ],
      { ...labels, logarithmic: true, mark: { x: 4, label: 'event' } },
    );
    checkPage(svg);
    const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg) as unknown as [string, string, string];
    const drawn = [...svg.matchAll(/points="([^"]*)"/g)].flatMap(([, points]) => points.split(' ').filter(Boolean));
    expect(drawn.length).toBe(4);
    for (const [x, y] of drawn.map((pair) => pair.split(',').map(Number))) {
      expect(x >= 0 && x <= Number(width)).toBe(true);
      expect(y >= 0 && y <= Number(height)).toBe(true);
    }
    expect(svg).toContain('&lt;two&gt;');
  });

  it('say in words what they show', () => {
    const chart = lineChart(
      [
        {
          name: 'loss',
          points: [
            [10, 4],
            [20, 0.5],
            [30, 1.25],
          ],
        },
      ],
      { title: 'Loss', xLabel: 'step', mark: { x: 20, label: 'event' } },
    );
    expect(chart).toContain(
      'aria-label="Loss: loss from 4 at step 10 to 1.25 at 30, between 0.5 and 4; event at step 20."',
    );
  });

  it('count in whole steps, and label no line twice', () => {
    const labelsOf = (chart: string): string[] =>
      [...chart.matchAll(/<text[^>]*"(?:end|middle)">([^<]*)<\/text>/g)].map(([, label]) => label);
    const one = labelsOf(lineChart([{ name: 'one', points: [[200, 13]] }], labels));
    expect(one.slice(-4, -1)).toEqual(['199', '200', '201']);
    for (const [low, high] of [
      [0.7, 1.4],
      [1e-5, 300],
      [0.02, 8],
    ]) {
      const points = [
        [0, low],
        [1, high],
      ] as const;
      const all = labelsOf(lineChart([{ name: 'y', points }], { ...labels, logarithmic: true }));
      const levels = all.slice(0, -3); // without 0, 1 and the axis' name
      expect(new Set(levels).size, levels.join()).toBe(levels.length);
      expect(levels.length, levels.join()).toBeGreaterThanOrEqual(3);
    }
  });

  it('leave out what is no number, and are nothing without any', () => {
    const gaps = lineChart(
      [
        {
          name: 'gaps',
          points: [
            [0, 1],
            [1, Number.NaN],
            [2, Number.POSITIVE_INFINITY],
            [3, 2],
          ],
        },
      ],
      labels,
    );
    checkPage(gaps);
    expect(/points="([^"]*)"/.exec(gaps)?.[1].split(' ').length).toBe(2);
    expect(lineChart([{ name: 'none', points: [[0, Number.NaN]] }], labels)).toBe('');
    expect(lineChart([], labels)).toBe('');
    checkPage(lineChart([{ name: 'flat', points: [[3, 5]] }], labels));
  });
});

describe('html', () => {
  it('write numbers as people read them', () => {
    const numbers = [0, 1, 0.5, 1.25, 12.34, 123.4, -4, 99_999, 1_234_567, 0.000012, 1e-9, Number.NaN];
    expect(numbers.map(figure)).toEqual([
      '0',
      '1',
      '0.5',
      '1.25',
      '12.3',
      '123',
      '-4',
      '99999',
      '1.2e6',
      '1.2e-5',
      '1e-9',
      'NaN',
    ]);
  });

  it('escape what HTML would read', () => {
    expect(escapeHtml(`<a href="x">&</a>`)).toBe('&lt;a href=&quot;x&quot;&gt;&amp;&lt;/a&gt;');
  });
});

describe('clipPlayer', () => {
  it('is well-formed, and shows its pictures without a script', () => {
    const html = clipPlayer({
      name: 'a "b"',
      frames: 3,
      rate: 2,
      views: [
        {
          strip: 'data:image/png;base64,iVBORw0KGgo=',
          pictures: 3,
          caption: '<c>',
          alternative: 'what "is" seen',
          paths: [{ name: 'way', points: [null, [0.123456, 1], [1, 0]] }],
        },
      ],
      remark: { frame: 2, text: 'now' },
    });
    checkPage(html);
    expect(html).toContain('alt="what &quot;is&quot; seen"');
    expect(html).toContain('data-paths="[[null,[0.1235,1],[1,0]]]"');
  });
});

describe('encodePng', () => {
  it('keeps every pixel', () => {
    const [width, height] = [5, 3];
    const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37) % 256);
    const png = encodePng(pixels, width, height);
    expect([...png.subarray(0, 8)]).toEqual([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    const chunks = new Map<string, Buffer>();
    for (let at = 8; at < png.length; ) {
      const length = png.readUInt32BE(at);
      chunks.set(png.toString('latin1', at + 4, at + 8), png.subarray(at + 8, at + 8 + length));
      at += 12 + length;
    }
    expect([...chunks.keys()]).toEqual(['IHDR', 'IDAT', 'IEND']);
    const header = chunks.get('IHDR') as Buffer;
    expect([header.readUInt32BE(0), header.readUInt32BE(4), ...header.subarray(8)]).toEqual([
      width,
      height,
      8,
      2,
      0,
      0,
      0,
    ]);
    const rows = inflateSync(chunks.get('IDAT') as Buffer);
    for (let y = 0; y < height; y++) {
      const row = rows.subarray(y * (width * 3 + 1), (y + 1) * (width * 3 + 1));
      expect([...row]).toEqual([0, ...pixels.subarray(y * width * 3, (y + 1) * width * 3)]);
    }
    expect(png.readUInt32BE(png.length - 4)).toBe(0xae426082); // the CRC of every IEND
  });
});

describe('table', () => {
  it('aligns numbers right and prose left', () => {
    const rows = [
      ['', 'model', 'notes'],
      ['accuracy', '9.5', 'of 100'],
      ['x', '100.0', 'a'],
    ];
    expect(table(rows, { prose: true })).toBe(
      '          model  notes\n───────────────────────\naccuracy    9.5  of 100\nx         100.0  a',
    );
  });
});
