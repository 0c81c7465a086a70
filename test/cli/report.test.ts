import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { escapeHtml, lineChart, pathChart } from '#lib/cli/report/chart.js';
import { table } from '#lib/cli/table.js';
import { encodePng } from '#lib/io/png-writer.js';
import { checkPage } from './page.js';

const labels = { title: 'A <b> & "c"', xLabel: 'x', yLabel: 'y' };

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
    checkPage(
      pathChart(
        [
          {
            name: 'a',
            points: [
              [0, 0],
              [4, 4],
            ],
          },
        ],
        { title: 'path', size: 4, marks: [{ x: 1, y: 1, label: 'goal' }] },
      ),
    );
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

  it('escape what HTML would read', () => {
    expect(escapeHtml(`<a href="x">&</a>`)).toBe('&lt;a href=&quot;x&quot;&gt;&amp;&lt;/a&gt;');
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
