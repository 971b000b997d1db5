/**
 * `npm run bench:guard -- --base REV`: this tree beside the one of another revision, by turns in one run, so that whatever
 * the machine does besides hits both alike. Fails where the median of the rounds' ratios has lost more than a tenth.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { median } from './rounds.js';
import { Worker } from './turns.js';

const WORKS = [
  'one by one',
  'batches of 64',
  '64 savers',
  '64 KiB entries',
  'stream',
  'recent ranges of 64',
  'open',
] as const;
const LOSS_MAX = 0.1;

const root = resolve(import.meta.dirname, '../..');
const usage = `usage: npm run bench:guard -- --base REV [--rounds N] [--ms MS]

  --base REV    the revision to compare with: a branch, a tag, a commit
  --rounds N    turns of each tree in each work (default: 11)
  --ms MS       length of a turn (default: 300)`;

process.exitCode = await main();

async function main(): Promise<number> {
  const asked = readArguments();
  if (asked === null) {
    console.error(usage);
    return 2;
  }
  const scratch = mkdtempSync(join(tmpdir(), 'keelson-guard-'));
  const tree = join(scratch, 'base');
  try {
    buildBase(asked.base, tree);
    return await compare(join(tree, 'dist'), asked);
  } finally {
    if (existsSync(tree)) git('worktree', 'remove', '--force', tree);
    rmSync(scratch, { recursive: true, force: true });
  }
}

interface Asked {
  readonly base: string;
  readonly rounds: number;
  readonly ms: number;
}

function readArguments(): Asked | null {
  try {
    const text = { type: 'string' } as const;
    const { values } = parseArgs({ options: { base: text, rounds: text, ms: text }, strict: true });
    const [rounds, ms] = [Number(values.rounds ?? 11), Number(values.ms ?? 300)];
    if (values.base === undefined || !(rounds >= 1) || !(ms >= 1)) return null;
    return { base: values.base, rounds, ms };
  } catch {
    return null;
  }
}

/** The tree of the revision, built by the compiler of this one: both are then measured by this tree's program. */
function buildBase(revision: string, tree: string): void {
  console.error(`building ${revision} ..`);
  git('worktree', 'add', '--detach', '--quiet', tree, revision);
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: tree, stdio: 'inherit' });
  if (existsSync(join(tree, 'bundle.mjs')))
    execFileSync(process.execPath, ['bundle.mjs'], { cwd: tree, stdio: 'inherit' });
}

function git(...args: readonly string[]): void {
  execFileSync('git', ['-C', root, ...args], { stdio: 'inherit' });
}

async function compare(baseDist: string, { base, rounds, ms }: Asked): Promise<number> {
  const program = join(import.meta.dirname, 'guard-works.bench.js');
  const before = new Worker(base, process.execPath, [program, baseDist]);
  const after = new Worker('this tree', process.execPath, [program, join(root, 'dist')]);
  let lost = 0;
  try {
    for (const work of WORKS) {
      const ratios: number[] = [];
      // The first round warms up.
      for (let round = 0; round <= rounds; round += 1) {
        const order = round % 2 === 0 ? [before, after] : [after, before];
        const rates = new Map<Worker, number>();
        for (const worker of order) rates.set(worker, Number(await worker.ask(`${work} ${String(ms)}`)));
        if (round > 0) ratios.push((rates.get(after) ?? NaN) / (rates.get(before) ?? NaN));
      }
      const ratio = median(ratios);
      const isLoss = !(ratio >= 1 - LOSS_MAX);
      if (isLoss) lost += 1;
      console.log(`${work.padEnd(22)} ${ratio.toFixed(2)} of ${base}${isLoss ? '   LOST' : ''}`);
    }
  } finally {
    await Promise.all([before.close(), after.close()]);
  }
  return lost > 0 ? 1 : 0;
}
