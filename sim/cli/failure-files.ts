import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AnyFailure, type AnyPlan, type AnyResult, runAny, shrinkAny } from './any-plan.js';
import { planText } from './plan-text.js';
import { runPage } from './page/run-page.js';
import { RunStory } from './page/run-story.js';

/** Lines of the trace that a failure leaves. */
const LINES = 200;

/** A failure as a person reads it: what was done, what would have been right, what was there. */
export function failureText(failure: AnyFailure): string {
  const lines = [`oracle    ${failure.oracle}`, `in        ${failure.by}`, `what      ${failure.what}`];
  for (const one of failure.expected ?? []) lines.push(`expected  ${one}`);
  if (failure.found !== undefined) lines.push(`found     ${failure.found}`);
  return lines.join('\n');
}

/** Where a failure was left, and the command that replays it. */
export interface LeftFailure {
  readonly dir: string;
  readonly replay: string;
  readonly text: string;
}

/**
 * Shrinks a failing plan and writes all that a stranger needs: a page of the run, the plan, what is wrong, the last
 * lines of the trace, and the files sector by sector before and after the crash.
 */
export async function leaveFailure(
  root: string,
  name: string,
  plan: AnyPlan,
  result: AnyResult,
  onProgress: (text: string) => void,
): Promise<LeftFailure> {
  onProgress(`${name}: shrinking ${plan.ops.length} operations and ${plan.faults.length} faults`);
  const shrunk = await shrinkAny(plan);
  const story = new RunStory();
  const told = await runAny(shrunk.plan, LINES, story);
  const dir = join(root, name);
  const file = join(dir, 'plan.json');
  const replay = `npm run sim -- --plan ${file}`;
  const failure = told.failure ?? result.failure;
  const text = [
    failure === null ? 'the shrunk plan passed when it was run again' : failureText(failure),
    `plan      ${shrunk.plan.ops.length} operations, ${shrunk.plan.faults.length} faults (of ${plan.ops.length} and ${plan.faults.length}; ${shrunk.runs} runs)`,
    `replay    ${replay}`,
  ].join('\n');
  await mkdir(dir, { recursive: true });
  await writeFile(file, planText(shrunk.plan));
  await writeFile(join(dir, 'plan-unshrunk.json'), planText(plan));
  await writeFile(join(dir, 'failure.txt'), `${text}\n\n${failure?.stack ?? ''}\n`);
  for (const { of, lines } of told.traces) {
    const name = told.traces.length === 1 ? 'trace.txt' : `trace-${of}.txt`;
    await writeFile(join(dir, name), `${lines.join('\n')}\n`);
  }
  await writeFile(join(dir, 'report.html'), runPage({ plan: shrunk.plan, file, result: told, story }));
  if (told.maps !== null) {
    await writeFile(join(dir, 'files-before-crash.txt'), `${told.maps.before}\n`);
    await writeFile(join(dir, 'files-after.txt'), `${told.maps.after}\n`);
  }
  return { dir, replay, text };
}
