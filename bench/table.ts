import { isWithinBudget, type Budget, type Row } from './row.js';

export const HEADINGS = ['work', 'unit', 'Keelson', 'reference', '', 'ratio', 'budget', ''] as const;

/** The rows as a table for people. */
export function table(rows: readonly Row[]): string {
  const cells = [HEADINGS, ...rows.map(cellsOf)];
  const widths = HEADINGS.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells
    .map((row) =>
      row
        .map((cell, column) =>
          isNumeric(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function isNumeric(column: number): boolean {
  return column === 2 || column === 4 || column === 5;
}

/** What a line says, heading by heading. */
export function cellsOf(row: Row): readonly string[] {
  const { work, unit, keelson, reference, ratio, budget } = row;
  return [
    work,
    unit,
    figure(keelson),
    reference.name,
    figure(reference.value),
    ratio.toFixed(2),
    ...(budget === null ? ['', ''] : [limitOf(budget, unit), isWithinBudget(row) ? 'kept' : 'missed']),
  ];
}

function limitOf({ of, sense, value }: Budget, unit: string): string {
  const limit = of === 'ratio' ? String(value) : `${figure(value)} ${unit}`;
  return `${sense === 'at least' ? '>=' : '<='} ${limit}`;
}

function figure(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : 2;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits });
}
