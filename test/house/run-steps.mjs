// Runs the npm scripts named as arguments, one after the other, and stops at the first that fails. At the end
// it says what ran, in how many seconds, and, of the tests, how many passed and failed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The step whose tests are counted; its last arguments make vitest write the counts down. */
const TEST_STEP = 'test:unit';

const steps = process.argv.slice(2);
const scratch = mkdtempSync(join(tmpdir(), 'keelson-steps-'));
const countsFile = join(scratch, 'tests.json');

const ran = [];
let exitCode = 0;
for (const step of steps) {
  console.log(`\n== ${step}`);
  const started = performance.now();
  const extra =
    step === TEST_STEP
      ? ['--', '--reporter=default', '--reporter=json', `--outputFile.json=${countsFile}`]
      : [];
  const { status, signal, error } = spawnSync('npm', ['run', '--silent', step, ...extra], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  const seconds = (performance.now() - started) / 1000;
  ran.push({ step, seconds, isPassed: status === 0 });
  if (status !== 0) {
    exitCode = status ?? 1;
    if (error) console.error(error);
    if (signal) console.error(`${step} was ended by ${signal}`);
    break;
  }
}

console.log('\nWhat ran:');
for (const { step, seconds, isPassed } of ran) {
  console.log(`  ${isPassed ? 'passed' : 'FAILED'}  ${step.padEnd(14)} ${seconds.toFixed(1).padStart(7)} s`);
}
for (const step of steps.slice(ran.length)) console.log(`  not run ${step}`);

const counts = readCounts();
rmSync(scratch, { recursive: true, force: true });
if (counts !== undefined) {
  if (counts.skipped > 0) console.log(`  ${counts.skipped} tests skipped, by their own conditions`);
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
}
process.exitCode = exitCode;

/** Counts of the test step, or undefined if it did not come to an end. */
function readCounts() {
  try {
    const report = JSON.parse(readFileSync(countsFile, 'utf8'));
    // A file that fails to load has no tests to count, but counts as one that failed.
    const brokenFiles = report.testResults.filter(
      (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
    ).length;
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests + brokenFiles,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  } catch {
    return undefined;
  }
}
