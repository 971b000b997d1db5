import type { FoundDamage } from '../raft-log/repair/survey-log.js';

/** `4 KiB`, `1.5 GiB` */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = Number.isInteger(value) || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit] ?? ''}`;
}

/** `7..9`, or `none` */
export function rangeText({ from, until }: { readonly from: number; readonly until: number }): string {
  if (until <= from) return 'none';
  return until === from + 1 ? String(from) : `${from}..${until - 1}`;
}

/** `12`, or `unbounded` */
export function indexText(index: number): string {
  return index === Infinity ? 'unbounded' : String(index);
}

/** Rows of a table with its columns aligned; numbers to the right. */
export function tableOf(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): readonly string[] {
  const all = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, at) => Math.max(...all.map((row) => (row[at] ?? '').length)));
  return all.map((row) =>
    row
      .map((cell, at) => {
        const isNumber = rows.every((other) => typeof other[at] === 'number');
        return isNumber ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0);
      })
      .join('  ')
      .trimEnd(),
  );
}

/** A damage as an operator reads it: where, what, and which entries. */
export function damageText(damage: FoundDamage): readonly string[] {
  const { code, path, offset, reason, entries, intact } = damage;
  const lines = [`${code}  ${path} at byte ${offset}`, `    ${reason}`];
  if (entries.until > entries.from) lines.push(`    entries that cannot be read: ${rangeText(entries)}`);
  if (intact.length > 0) lines.push(`    whole behind them: ${intact.map(rangeText).join(', ')}`);
  return lines;
}
