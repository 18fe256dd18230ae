/**
 * Tables of text: columns as wide as their widest cell, two spaces apart.
 */

/**
 * The lines of a table; the first row is its header.
 * @param side of the columns behind the first, which is left: numbers are read from the right
 */
export function table(rows: readonly (readonly string[])[], side: 'left' | 'right' = 'left'): string[] {
  const [header = []] = rows;
  const widths = header.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return side === 'left' || column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
