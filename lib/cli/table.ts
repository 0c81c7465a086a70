/** Columns of text, the first flush left, the others flush right; with `prose` the last one is flush left too. */
export function table(rows: readonly (readonly string[])[], { prose = false } = {}): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 || (prose && column === row.length - 1)
          ? cell.padEnd(widths[column])
          : cell.padStart(widths[column]),
      )
      .join('  ')
      .trimEnd();
  return [line(rows[0]), widths.map((width) => '─'.repeat(width)).join('──'), ...rows.slice(1).map(line)].join('\n');
}
