/**
 * `npm run bench`: what Keelson costs, as ratios to a reference that is measured in the same run, on the same
 * disk and with the same bytes. Figures of other machines and days are not comparable; the ratios nearly are.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import type { BenchCase, CaseContext } from './case.js';
import type { BenchRun } from './chart.js';
import { copyCases } from './copy-cases.js';
import { openCases } from './open-cases.js';
import { readOptions, usage, UsageError, type BenchOptions } from './options.js';
import { networkCases } from './network-cases.js';
import { peerCases } from './peer-cases.js';
import { readCases } from './read-cases.js';
import { isWithinBudget, type Row } from './row.js';
import { Scratch } from './scratch.js';
import { table } from './table.js';
import { writeCases } from './write-cases.js';

const CASES: readonly BenchCase[] = [
  ...writeCases,
  ...openCases,
  ...readCases,
  ...copyCases,
  ...networkCases,
  ...peerCases,
];
const NAMES: readonly string[] = CASES.map((each) => each.name);

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let options: BenchOptions | 'help';
  try {
    options = readOptions(args, NAMES);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${usage(NAMES)}`);
    return 2;
  }
  if (options === 'help') {
    console.log(usage(NAMES));
    return 0;
  }
  if (options.run !== null) {
    await tell(options, JSON.parse(await readFile(options.run, 'utf8')) as BenchRun);
    return 0;
  }
  const scratch = new Scratch();
  const interrupt = (): void => {
    scratch.remove();
    process.exit(130);
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    const rows = await runCases(options, scratch);
    const machine = { node: process.version, platform: process.platform, cpus: cpus().length };
    await tell(options, { schemaVersion: 1, ...machine, rounds: options.rounds, rows });
    return 0;
  } finally {
    scratch.remove();
  }
}

async function runCases(options: BenchOptions, scratch: Scratch): Promise<Row[]> {
  const rows: Row[] = [];
  const chosen = CASES.filter(({ name }) => options.names.length === 0 || options.names.includes(name));
  for (const each of chosen) {
    const context: CaseContext = { options, scratch, progress: showProgress };
    rows.push(...(await each.run(context)));
  }
  endProgress();
  return rows;
}

async function tell(options: BenchOptions, run: BenchRun): Promise<void> {
  const { node, platform, cpus: cores, rows } = run;
  if (options.chart !== null) {
    const { chartPage } = await import('./chart.js');
    await writeFile(options.chart, chartPage(run));
  }
  if (options.json) {
    const told = rows.map((row) => ({ ...row, isWithinBudget: isWithinBudget(row) }));
    const text = JSON.stringify({ ...run, rows: told });
    if (options.jsonFile === null) {
      console.log(text);
      return;
    }
    await writeFile(options.jsonFile, `${text}\n`);
  }
  console.log(`Node ${node}, ${platform}, ${cores} cores; medians of interleaved rounds\n`);
  console.log(table(rows));
}

const PROGRESS_EVERY_MS = 200;
let progressToldMs = 0;

/** One line, written over; nothing where there is no terminal to write over. */
function showProgress(what: string): void {
  if (!process.stderr.isTTY || performance.now() - progressToldMs < PROGRESS_EVERY_MS) return;
  progressToldMs = performance.now();
  process.stderr.write(`\r${what.padEnd(78)}`);
}

function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${''.padEnd(78)}\r`);
}
