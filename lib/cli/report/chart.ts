/** A line of a chart. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface ChartOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly logarithmic?: boolean;
  /** A vertical line with a label. */
  readonly mark?: { readonly x: number; readonly label: string };
}

const width = 560;
const height = 260;
const margin = { left: 56, right: 16, top: 34, bottom: 42 };
const colours = ['#1f6feb', '#d1242f', '#1a7f37', '#9a6700', '#8250df', '#57606a'];

/** A line chart as SVG with axes, a legend and a description for screen readers. */
export function lineChart(
  given: readonly Series[],
  { title, xLabel, yLabel, logarithmic = false, mark }: ChartOptions,
): string {
  const series = given.map(({ name, points }) => ({
    name,
    points: points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y)),
  }));
  const value = (y: number): number => (logarithmic ? Math.log10(Math.max(y, 1e-6)) : y);
  const all = series.flatMap(({ points }) => points);
  if (all.length === 0) return '';
  const [x0, x1] = extent(all.map(([x]) => x));
  const [y0, y1] = extent(all.map(([, y]) => value(y)));
  const px = (x: number): number => margin.left + ((x - x0) / (x1 - x0)) * (width - margin.left - margin.right);
  const py = (y: number): number =>
    height - margin.bottom - ((value(y) - y0) / (y1 - y0)) * (height - margin.top - margin.bottom);
  const ticks = [0, 0.25, 0.5, 0.75, 1];
  const grid = ticks
    .map((t) => {
      const x = x0 + t * (x1 - x0);
      const raw = y0 + t * (y1 - y0);
      const y = height - margin.bottom - t * (height - margin.top - margin.bottom);
      return `<line x1="${margin.left}" x2="${width - margin.right}" y1="${y}" y2="${y}" class="grid"/><text x="${margin.left - 6}" y="${y + 4}" text-anchor="end">${number(logarithmic ? 10 ** raw : raw)}</text><text x="${px(x)}" y="${height - margin.bottom + 16}" text-anchor="middle">${number(x)}</text>`;
    })
    .join('');
  const lines = series
    .map(
      ({ points }, index) =>
        `<polyline fill="none" stroke="${colours[index % colours.length]}" stroke-width="1.8" points="${points.map(([x, y]) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`).join(' ')}"/>`,
    )
    .join('');
  const legend = series
    .map(
      ({ name }, index) =>
        `<g transform="translate(${margin.left + index * 120}, 24)"><rect width="10" height="3" y="-4" fill="${colours[index % colours.length]}"/><text x="14">${escapeHtml(name)}</text></g>`,
    )
    .join('');
  const line = mark
    ? `<line x1="${px(mark.x)}" x2="${px(mark.x)}" y1="${margin.top}" y2="${height - margin.bottom}" class="mark"/><text x="${px(mark.x) + 4}" y="${margin.top + 10}">${escapeHtml(mark.label)}</text>`
    : '';
  return `<figure><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}"><text x="${margin.left}" y="12" class="title">${escapeHtml(title)}</text>${grid}${lines}${line}${legend}<text x="${width / 2}" y="${height - 6}" text-anchor="middle">${escapeHtml(xLabel)}</text><text transform="translate(12 ${height / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(yLabel)}</text></svg></figure>`;
}

/** Paths seen from the side or above, in a square of `size` units. */
export function pathChart(
  paths: readonly Series[],
  {
    title,
    size,
    marks = [],
    background,
  }: {
    readonly title: string;
    readonly size: number;
    readonly marks?: readonly { readonly x: number; readonly y: number; readonly label: string }[];
    /** A square picture as a data URI. */
    readonly background?: string;
  },
): string {
  const side = 260;
  const p = (v: number): string => ((v / size) * side).toFixed(1);
  const flip = (v: number): string => (side - (v / size) * side).toFixed(1);
  const lines = paths
    .map(
      ({ points }, index) =>
        `<polyline fill="none" stroke="${colours[index % colours.length]}" stroke-width="2" points="${points.map(([x, y]) => `${p(x)},${flip(y)}`).join(' ')}"/>${points.map(([x, y]) => `<circle cx="${p(x)}" cy="${flip(y)}" r="2.2" fill="${colours[index % colours.length]}"/>`).join('')}`,
    )
    .join('');
  const legend = paths
    .map(
      ({ name }, index) =>
        `<text x="6" y="${16 + index * 14}" fill="${colours[index % colours.length]}">${escapeHtml(name)}</text>`,
    )
    .join('');
  const labels = marks
    .map(
      ({ x, y, label }) =>
        `<circle cx="${p(x)}" cy="${flip(y)}" r="5" class="goal"/><text x="${Number(p(x)) + 7}" y="${flip(y)}">${escapeHtml(label)}</text>`,
    )
    .join('');
  return `<figure class="small"><svg viewBox="0 0 ${side} ${side}" role="img" aria-label="${escapeHtml(title)}"><rect width="${side}" height="${side}" class="frame"/>${background ? `<image width="${side}" height="${side}" href="${background}"/>` : ''}${lines}${labels}${legend}</svg><figcaption>${escapeHtml(title)}</figcaption></figure>`;
}

function extent(values: readonly number[]): [number, number] {
  const low = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

function number(value: number): string {
  if (value === 0) return '0';
  const magnitude = Math.abs(value);
  return magnitude >= 1000
    ? value.toFixed(0)
    : magnitude >= 10
      ? value.toFixed(1).replace(/\.0$/, '')
      : value.toPrecision(2);
}

export function escapeHtml(text: string): string {
  return text.replace(
    /[&<>"]/g,
    (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[character] as string,
  );
}
