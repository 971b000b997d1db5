// A part of what is too long to be run for every change, another part each day: seeds that nobody has searched, and
// deep tests, in another order. `npm run test:nightly -- --part 20785 --minutes 90` runs a part again, or longer.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

const DAY_MS = 86_400_000;
const USAGE = `npm run test:nightly -- [--part N] [--minutes M]

  --part N      which part; default: the number of today, in days since 1970
  --minutes M   for how long, half of it for seeds and half for tests; default: 60`;

/** Seeds of one part; more than an hour can search. */
const SEEDS = 100_000;
/** Each part's seeds lie behind those that are run by hand. */
const FIRST_SEED = 10_000_000;
/** Shares of the time; the other half is for the tests. */
const SEARCHES = [
  ['disk', 0.25],
  ['over-budget', 0.1],
  ['cluster', 0.15],
];
const PROGRESS_MS = 60_000;

const { part, minutes } = readOptions();
const startMs = performance.now();
const endMs = startMs + minutes * 60_000;
const found = [];

const firstSeed = FIRST_SEED + part * SEEDS;
const files = rotated(deepFiles(), part);
console.log(
  `Part ${part}, ${minutes} minutes: seeds ${firstSeed}..${firstSeed + SEEDS - 1}; then, until the time is`,
);
console.log(`over, the deep tests of ${files.join(', ')}.`);

for (const [profile, share] of SEARCHES) {
  const range = ['--seeds', `${firstSeed}..${firstSeed + SEEDS - 1}`, '--minutes', String(minutes * share)];
  const jobs = ['--jobs', String(availableParallelism())];
  await run(`seeds of profile ${profile}`, ['dist/sim/cli/main.js', '--profile', profile, ...range, ...jobs]);
}
for (const file of files) {
  if (performance.now() >= endMs) break;
  // The first failure ends it: what is cut off by the clock has found nothing. Other tests come first each day.
  const order = ['--sequence.shuffle.tests', `--sequence.seed=${part}`];
  await run(`deep ${file}`, [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--mode',
    'deep',
    '--bail=1',
    ...order,
    file,
  ]);
}

console.log(found.length === 0 ? '\nNothing was found.' : `\nFound in part ${part}: ${found.join('; ')}`);
process.exitCode = found.length === 0 ? 0 : 1;

/** Runs a program to its end, or to that of the time. */
async function run(what, args) {
  const begunMs = performance.now();
  const told = () => `[${minutesSince(startMs)} of ${minutes} min] ${what}`;
  console.log(`\n${told()}`);
  // A group of its own, so that the clock ends its workers too.
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'], detached: true });
  let isOver = false;
  const progress = setInterval(() => {
    console.log(`${told()}, for ${minutesSince(begunMs)} min`);
  }, PROGRESS_MS);
  const clock = setTimeout(
    () => {
      isOver = true;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    },
    Math.max(0, endMs - begunMs),
  );
  const [code] = await once(child, 'close');
  clearInterval(progress);
  clearTimeout(clock);
  if (isOver) console.log(`${told()}: the time is over, nothing found`);
  else if (code !== 0) found.push(what);
}

function minutesSince(fromMs) {
  return ((performance.now() - fromMs) / 60_000).toFixed(1);
}

/** The files whose tests do more in deep mode, by themselves or by what they import. */
function deepFiles() {
  const isDeep = (path) => readFileSync(path, 'utf8').includes('KEELSON_DEEP');
  const imported = (path) =>
    [...readFileSync(path, 'utf8').matchAll(/from '(\.[^']*)\.js'/g)]
      .map(([, name]) => `${join(dirname(path), name)}.ts`)
      .filter((other) => other.startsWith(join('test', '/')) && existsSync(other));
  return readdirSync('test', { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join('test', name))
    .filter((path) => isDeep(path) || imported(path).some(isDeep))
    .sort();
}

/** Begins with another one each time, far from that of the day before. */
function rotated(list, turn) {
  const from = (turn * 7) % list.length;
  return [...list.slice(from), ...list.slice(0, from)];
}

function readOptions() {
  try {
    const { values } = parseArgs({ options: { part: { type: 'string' }, minutes: { type: 'string' } } });
    const whole = Number(values.part ?? Math.floor(Date.now() / DAY_MS));
    const limit = Number(values.minutes ?? 60);
    if (!Number.isSafeInteger(whole) || whole < 0)
      throw new Error(`--part is '${values.part}', no whole number`);
    if (!(limit > 0)) throw new Error(`--minutes is '${values.minutes}', expected more than 0`);
    return { part: whole, minutes: limit };
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}
