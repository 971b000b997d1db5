import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { medianOf, type Measured } from './measure.js';
import type { PlantedBug } from './planted-bug.js';

const PAGE = 'docs/simulator-power.md';
/** The figures behind the table, kept so that a bug found later than before is seen. */
const FIGURES = 'sim/mutants/figures.json';

const BEGIN = '<!-- planted bugs: made by `npm run sim:mutants` -->';
const END = '<!-- end of planted bugs -->';

/** The figures of the last run. */
export async function readFigures(root: string): Promise<readonly Measured[]> {
  try {
    return JSON.parse(await readFile(join(root, FIGURES), 'utf8')) as Measured[];
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Makes the table of the page anew, and keeps the figures. */
export async function writePower(
  root: string,
  bugs: readonly PlantedBug[],
  figures: readonly Measured[],
): Promise<void> {
  const lines = figures.map((one) => `  ${JSON.stringify(one)}`);
  await writeFile(join(root, FIGURES), `[\n${lines.join(',\n')}\n]\n`);
  const page = await readFile(join(root, PAGE), 'utf8');
  await writeFile(join(root, PAGE), withTable(page, powerTable(bugs, figures)));
}

function withTable(page: string, table: string): string {
  const from = page.indexOf(BEGIN);
  const until = page.indexOf(END);
  if (from < 0 || until < from)
    throw new Error(`${PAGE} has no place for the table: '${BEGIN}' and '${END}'`);
  return `${page.slice(0, from + BEGIN.length)}\n\n${table}\n${page.slice(until)}`;
}

/** The table as it is published. */
export function powerTable(bugs: readonly PlantedBug[], figures: readonly Measured[]): string {
  const rows = bugs.map((bug) => {
    const measured = figures.find(({ number }) => number === bug.number);
    return [
      String(bug.number),
      bug.name + maskOf(bug),
      bug.rule,
      seedsText(bug, measured),
      oracleText(measured),
    ];
  });
  return asTable(['bug', 'what it does', 'rule', 'seeds to find', 'found by'], rows);
}

function maskOf({ withoutMask }: PlantedBug): string {
  return withoutMask === undefined ? '' : ` (planted without ${withoutMask})`;
}

function seedsText({ waitsFor }: PlantedBug, measured: Measured | undefined): string {
  if (waitsFor !== undefined) return `waits for ${waitsFor}`;
  if (measured === undefined) return 'not measured yet';
  const median = medianOf(measured);
  const each = measured.tried.map((one) => (one === null ? `>${measured.seeds}` : String(one))).join(', ');
  if (median !== Infinity) return `**${median}** (${each})`;
  const { far, byPlan } = measured;
  if (far !== null && far.tried !== null)
    return `**>${measured.seeds}** (${each}; one far search ${far.tried})`;
  const late = `not within ${far?.seeds ?? measured.seeds}${byPlan === true ? '; by a plan of its own' : ''}`;
  return `${late} (${each})`;
}

function oracleText(measured: Measured | undefined): string {
  return measured === undefined ? '' : measured.oracles.join(', ');
}

/** Columns as wide as their widest cell, as the formatter of the repository would have them. */
function asTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, at) =>
    rows.reduce((width, row) => Math.max(width, row[at]?.length ?? 0), name.length),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line), ''].join('\n');
}
