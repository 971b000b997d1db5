// Runs npm scripts, and says at the end what ran, in how many seconds, and, of the tests, how many passed and
// which failed. Those named before `--` run two at a time, the words of each kept together; those behind it run one by
// one, and have the machine to themselves. Once a script has failed no other begins.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, relative } from 'node:path';

/** The script whose tests are counted; its last arguments make vitest write the counts down. */
const TEST_STEP = 'test:unit';
/** Each holds the whole program in memory, so not more of them on a larger machine. */
const LANES = Math.min(2, availableParallelism());

const args = process.argv.slice(2);
const border = args.includes('--') ? args.indexOf('--') : args.length;
const sideBySide = args.slice(0, border);
const alone = args.slice(border + 1);

const scratch = mkdtempSync(join(tmpdir(), 'keelson-steps-'));
const countsFile = join(scratch, 'tests.json');
const started = performance.now();
const ran = [];
let exitCode = 0;

// One iterator for all lanes: each takes the next script that none has begun.
const queue = sideBySide.values();
await Promise.all(Array.from({ length: LANES }, () => runAll(queue, runQuietly)));
await runAll(alone.values(), runAloud);

console.log('\nWhat ran:');
for (const { step, seconds, isPassed } of ran) {
  console.log(`  ${isPassed ? 'passed' : 'FAILED'}  ${step.padEnd(14)} ${seconds.toFixed(1).padStart(7)} s`);
}
const begun = new Set(ran.map(({ step }) => step));
for (const step of [...sideBySide, ...alone]) if (!begun.has(step)) console.log(`  not run ${step}`);
console.log(`          in all         ${secondsSince(started).toFixed(1).padStart(7)} s`);

const counts = readCounts();
rmSync(scratch, { recursive: true, force: true });
if (counts !== undefined) {
  for (const name of counts.failures) console.log(`  FAILED  ${name}`);
  if (counts.skipped > 0) console.log(`  ${counts.skipped} tests skipped, by their own conditions`);
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
}
process.exitCode = exitCode;

async function runAll(steps, run) {
  for (const step of steps) {
    if (exitCode !== 0) return;
    const begun = performance.now();
    const status = await run(step);
    ran.push({ step, seconds: secondsSince(begun), isPassed: status === 0 });
    if (status !== 0) exitCode = status;
  }
}

/** What the script prints is held back until its end: two that print at once are hard to read. */
async function runQuietly(step) {
  console.log(`== ${step} begins`);
  const child = npmRun(step, [], ['ignore', 'pipe', 'pipe']);
  let words = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (piece) => (words += piece));
  }
  const status = await endOf(step, child);
  console.log(`\n== ${step}`);
  process.stdout.write(words);
  return status;
}

async function runAloud(step) {
  console.log(`\n== ${step}`);
  const counting = ['--', '--reporter=default', '--reporter=json', `--outputFile.json=${countsFile}`];
  return endOf(step, npmRun(step, step === TEST_STEP ? counting : [], 'inherit'));
}

function npmRun(step, more, stdio) {
  return spawn('npm', ['run', '--silent', step, ...more], { stdio, shell: process.platform === 'win32' });
}

/** The exit code of a script that has ended and printed all; not 0 if it was ended from outside or never began. */
async function endOf(step, child) {
  try {
    const [status, signal] = await once(child, 'close');
    if (signal !== null) console.error(`${step} was ended by ${signal}`);
    return status ?? 1;
  } catch (error) {
    console.error(error);
    return 1;
  }
}

function secondsSince(startMs) {
  return (performance.now() - startMs) / 1000;
}

/** Counts of the test step, with the names of what failed; undefined if it did not come to an end. */
function readCounts() {
  try {
    const report = JSON.parse(readFileSync(countsFile, 'utf8'));
    const failures = report.testResults
      .filter(({ status }) => status === 'failed')
      .flatMap(({ name, assertionResults }) => {
        const file = relative(process.cwd(), name);
        const failed = assertionResults.filter(({ status }) => status === 'failed');
        // A file that fails to load has no tests to count, but counts as one that failed.
        return failed.length === 0 ? [file] : failed.map(({ fullName }) => `${file}: ${fullName}`);
      });
    return {
      passed: report.numPassedTests,
      failed: failures.length,
      failures,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  } catch {
    return undefined;
  }
}
