import { compileSooner } from '../cli/compile-sooner.js';
import { hunt, type HuntEnd } from './hunt.js';
import { measure, type Measured } from './measure.js';
import { parseOptions, USAGE, UsageError, type GateOptions } from './options.js';
import { Nursery, PatchRefused, readDirected } from './plant.js';
import type { PlantedBug } from './planted-bug.js';
import { PLANTED_BUGS } from './planted-bugs.js';
import { judgeGate } from './gate.js';
import { readFigures, writePower } from './power-table.js';

/** Exit codes; the usage says them to people. */
const EXIT = { holds: 0, broken: 1, usage: 2, refused: 3 } as const;

/** Seeds that the code without a bug must pass first. */
const HONEST_SEEDS = 30;

async function main(): Promise<number> {
  compileSooner();
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    console.log(USAGE);
    return EXIT.holds;
  }
  const root = process.cwd();
  const before = await readFigures(root);
  const measured = new Map(before.map((one) => [one.number, one]));
  const nursery = await Nursery.make(root);
  try {
    await checkHonest(nursery);
    for (const one of await measureAll(nursery, options)) measured.set(one.number, one);
  } finally {
    await nursery.clear();
  }
  const now = [...measured.values()].sort((a, b) => a.number - b.number);
  const verdict = judgeGate(PLANTED_BUGS, now, before);
  if (!options.dry) await writePower(root, PLANTED_BUGS, now);
  for (const line of verdict.lines) console.log(line);
  return verdict.holds ? EXIT.holds : EXIT.broken;
}

/** A search that finds something in the code as it is would find it in every copy, and measure nothing. */
async function checkHonest(nursery: Nursery): Promise<void> {
  const end = await hunt(nursery.honest, { from: 1, count: HONEST_SEEDS, profile: 'disk' });
  if (end.kind !== 'not-found') throw new PatchRefused(`without any bug: ${told(end)}. Mend that first.`);
}

/** Measures the bugs asked for, several at a time. */
async function measureAll(nursery: Nursery, options: GateOptions): Promise<Measured[]> {
  const { only, jobs, minutes } = options;
  const deadlineMs = Date.now() + minutes * 60_000;
  const left = PLANTED_BUGS.filter(
    ({ number, waitsFor }) => waitsFor === undefined && (only === null || only.has(number)),
  );
  const done: Measured[] = [];
  const work = async (): Promise<void> => {
    for (;;) {
      const bug = left.shift();
      if (bug === undefined || Date.now() > deadlineMs) return;
      done.push(await measureOne(nursery, bug, options));
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return done;
}

async function measureOne(nursery: Nursery, bug: PlantedBug, options: GateOptions): Promise<Measured> {
  const tree = await nursery.plant(bug);
  const plan = bug.plan === undefined ? null : await readDirected(process.cwd(), bug.plan);
  return measure(bug, plan, options, async (range) => {
    const startMs = Date.now();
    const end = await hunt(tree, range);
    const seconds = ((Date.now() - startMs) / 1000).toFixed(0);
    const where = range.plan === undefined ? `seeds ${range.from}..` : 'its plan';
    console.log(`${bug.number} ${bug.name}: ${where}: ${told(end)} (${seconds} s)`);
    return end;
  });
}

function told(end: HuntEnd): string {
  switch (end.kind) {
    case 'found':
      return `found after ${end.seeds} by ${end.oracle}: ${end.what.slice(0, 160)}`;
    case 'not-found':
      return `not found in ${end.seeds}`;
    case 'hung':
      return `hung behind ${end.seeds}`;
    case 'fault':
      return `fault at ${end.seeds}: ${end.what}`;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof UsageError) console.error(`${error.message}\n\n${USAGE}`);
  else console.error(error instanceof PatchRefused ? error.message : error);
  process.exitCode = error instanceof UsageError ? EXIT.usage : EXIT.refused;
}
