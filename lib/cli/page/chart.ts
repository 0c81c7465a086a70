import { escapeHtml, figure } from './html.js';

/** A line of a chart. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface ChartOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly logarithmic?: boolean;
  /** A vertical line with a label. */
  readonly mark?: { readonly x: number; readonly label: string };
  /** A vertical line for a script to move: its `data-x` and `data-step` say where x = 0 lies and how far x = 1 from it. */
  readonly cursor?: boolean;
}

/** Small enough that its letters can still be read where it is as wide as a phone. */
const width = 420;
const height = 220;
const margin = { left: 44, right: 12, top: 10, bottom: 34 };
/** Share of the height above the highest point, where the mark's label is. */
const headroom = 0.12;
/** Least value on a logarithmic axis. */
const smallest = 1e-6;

/**
 * A line chart as a figure of HTML: caption, legend, SVG whose colours are those of the page, and a description in words for
 * whoever does not see it. Values that are no numbers are left out; nothing is left of a chart without any.
 */
export function lineChart(given: readonly Series[], options: ChartOptions): string {
  const { title, xLabel, logarithmic = false, mark, cursor = false } = options;
  const series = given
    .map(({ name, points }) => ({
      name,
      points: points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y)),
    }))
    .filter(({ points }) => points.length > 0);
  if (series.length === 0) return '';
  const value = (y: number): number => (logarithmic ? Math.log10(Math.max(y, smallest)) : y);
  const all = series.flatMap(({ points }) => points);
  const [x0, x1] = extent(all.map(([x]) => x));
  const [low, high] = extent(all.map(([, y]) => value(y)));
  const [y0, y1] = [low, high + headroom * (high - low)];
  const [bottom, right] = [height - margin.bottom, width - margin.right];
  const px = (x: number): number => margin.left + ((x - x0) / (x1 - x0)) * (right - margin.left);
  const py = (scaled: number): number => bottom - ((scaled - y0) / (y1 - y0)) * (bottom - margin.top);
  const rows = (logarithmic ? decades(y0, y1) : ticks(y0, y1, 4)).map((tick) => {
    const y = py(tick).toFixed(1);
    const label = figure(logarithmic ? 10 ** tick : tick);
    return `<line class="grid" x1="${margin.left}" x2="${right}" y1="${y}" y2="${y}"/><text x="${margin.left - 6}" y="${Number(y) + 4}" text-anchor="end">${label}</text>`;
  });
  // Every horizontal axis counts: there is no half step.
  const columns = ticks(x0, x1, 5, 1).map(
    (tick) => `<text x="${px(tick).toFixed(1)}" y="${bottom + 15}" text-anchor="middle">${figure(tick)}</text>`,
  );
  const lines = series.map(({ points }, index) => {
    const path = points.map(([x, y]) => `${px(x).toFixed(1)},${py(value(y)).toFixed(1)}`).join(' ');
    const [x, y] = path.slice(path.lastIndexOf(' ') + 1).split(',');
    return `<polyline class="line series-${index}" points="${path}"/><circle class="dot series-${index}" cx="${x}" cy="${y}" r="3"/>`;
  });
  const vertical = (x: number, rest: string): string =>
    `<line x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="${margin.top}" y2="${bottom}" ${rest}/>`;
  const marked = mark
    ? `${vertical(px(mark.x), 'class="mark"')}<text class="mark-label" x="${(px(mark.x) + 4).toFixed(1)}" y="${margin.top + 9}">${escapeHtml(mark.label)}</text>`
    : '';
  const moved = cursor
    ? vertical(px(x0), `class="cursor" data-x="${px(0).toFixed(2)}" data-step="${(px(1) - px(0)).toFixed(2)}"`)
    : '';
  const words = description(series, options);
  return `<figure class="chart"><figcaption>${escapeHtml(title)}</figcaption>${legend(series)}<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(words)}">${rows.join('')}${columns.join('')}<text x="${(margin.left + right) / 2}" y="${height - 4}" text-anchor="middle">${escapeHtml(xLabel)}</text>${marked}${moved}${lines.join('')}</svg></figure>`;
}

/** Names of lines beside their colours; of one line, the title says it. */
export function legend(series: readonly { readonly name: string }[]): string {
  if (series.length < 2) return '';
  const items = series.map(
    ({ name }, index) => `<li><span class="swatch series-${index}"></span>${escapeHtml(name)}</li>`,
  );
  return `<ul class="legend">${items.join('')}</ul>`;
}

function description(series: readonly Series[], { title, xLabel, mark }: ChartOptions): string {
  const lines = series.map(({ name, points }) => {
    const [[fromX, from], [toX, to]] = [points[0], points[points.length - 1]];
    const [least, most] = points.reduce(([a, b], [, y]) => [Math.min(a, y), Math.max(b, y)], [from, from]);
    return `${name} from ${figure(from)} at ${xLabel} ${figure(fromX)} to ${figure(to)} at ${figure(toX)}, between ${figure(least)} and ${figure(most)}`;
  });
  return `${title}: ${lines.join('; ')}${mark ? `; ${mark.label} at ${xLabel} ${figure(mark.x)}` : ''}.`;
}

/** Round numbers within a range, about as many as wanted, at least so far from each other. */
function ticks(low: number, high: number, wanted: number, least = 0): number[] {
  const raw = Math.max(least, (high - low) / wanted);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5].find((factor) => factor * power >= raw) ?? 10) * power;
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return Array.from({ length: count }, (_, index) => (first + index) * step);
}

/** Logarithms of round numbers: powers of ten where there are enough of them, else 1, 2, 5, else those of evenly spaced numbers. */
function decades(low: number, high: number): number[] {
  for (const factors of [[1], [1, 2, 5]]) {
    const found: number[] = [];
    for (let power = Math.floor(low); power <= high; power++)
      for (const factor of factors) found.push(power + Math.log10(factor));
    const within = found.filter((tick) => tick >= low && tick <= high);
    if (within.length >= 3) return within;
  }
  return ticks(10 ** low, 10 ** high, 6).map(Math.log10);
}

function extent(values: readonly number[]): [number, number] {
  const low = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return low === high ? [low - 1, high + 1] : [low, high];
}
