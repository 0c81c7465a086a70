import type { Peaks } from './peaks.js';
import type { Row } from './suite.js';

/** A suite's rows for people; columns that no row fills are left out. */
export function suiteTable(rows: readonly Row[]): string {
  const mixed = rows.some(({ precision }) => precision !== rows[0].precision);
  const columns: readonly (readonly [string, (row: Row) => string])[] = [
    ['case', (row) => row.case],
    ['contender', ({ contender }) => contender],
    ['precision', ({ precision }) => (mixed ? precision : '')],
    ['threads', ({ threads }) => String(threads)],
    ['median ms', ({ medianMs }) => significant(medianMs)],
    ['min ms', ({ minMs }) => significant(minMs)],
    ['± %', ({ spreadPercent }) => (spreadPercent === null ? '' : spreadPercent.toFixed(0))],
    ['GFLOP', ({ flops }) => significant(flops === null ? null : flops / 1e9)],
    ['GFLOP/s', ({ gflops }) => significant(gflops)],
    ['% of peak', ({ percentOfPeak }) => (percentOfPeak === null ? '' : percentOfPeak.toFixed(1))],
    ['per second', ({ perSecond }) => significant(perSecond)],
    ['ratio', ({ ratio }) => (ratio === null ? '' : ratio.toFixed(2))],
    ['verified', ({ verified }) => (verified === null ? '' : verified ? 'yes' : 'NO')],
  ];
  const used = columns.filter(([, cell]) => rows.some((row) => cell(row) !== ''));
  return aligned([used.map(([title]) => title), ...rows.map((row) => used.map(([, cell]) => cell(row)))], 2);
}

export function peaksTable({ multiplyAdd, dotProduct, bandwidth }: Peaks): string {
  const dots = dotProduct.map(({ dtype, ...rate }) => ({ ...rate, target: `${rate.target} ${dtype}` }));
  const rates = [...multiplyAdd, ...dots].map(({ target, threads, gflops, medianGflops }) => [
    `${target}, ${threads} thread${threads > 1 ? 's' : ''}`,
    `${gflops.toFixed(0)} GFLOP/s`,
    `(median ${medianGflops.toFixed(0)})`,
  ]);
  const memory = bandwidth.map(({ threads, bytesPerThread, readGBs, triadGBs }) => [
    `${size(bytesPerThread)} a thread, ${threads} thread${threads > 1 ? 's' : ''}`,
    `read ${readGBs.toFixed(0)} GB/s`,
    `triad ${triadGBs.toFixed(0)} GB/s`,
  ]);
  return `${aligned(rates, 1)}\n${aligned(memory, 1)}`;
}

function size(bytes: number): string {
  return bytes < 2 ** 20 ? `${Math.round(bytes / 1024)} KiB` : `${Math.round(bytes / 2 ** 20)} MiB`;
}

function significant(value: number | null): string {
  if (value === null) return '';
  return value >= 1000 ? value.toFixed(0) : value.toPrecision(3);
}

/** The first `left` columns flush left, the others flush right. */
function aligned(rows: readonly (readonly string[])[], left: number): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column < left ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
