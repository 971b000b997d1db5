import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AnyFailure, type AnyPlan, type AnyResult, runAny, shrinkAny } from './any-plan.js';

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
 * Shrinks a failing plan and writes all that a stranger needs: the plan, what is wrong, the last lines of the trace,
 * and the files sector by sector before and after the crash.
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
  const told = await runAny(shrunk.plan, LINES);
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
  if (told.maps !== null) {
    await writeFile(join(dir, 'files-before-crash.txt'), `${told.maps.before}\n`);
    await writeFile(join(dir, 'files-after.txt'), `${told.maps.after}\n`);
  }
  return { dir, replay, text };
}

/** A plan with an operation or a fault a line, so that two of them can be compared by eye. */
export function planText({ ops, faults, ...head }: AnyPlan): string {
  const list = (items: readonly unknown[]): string =>
    items.length === 0 ? '[]' : `[\n${items.map((item) => `    ${JSON.stringify(item)}`).join(',\n')}\n  ]`;
  const fields = Object.entries(head).map(([name, value]) => `  "${name}": ${JSON.stringify(value)}`);
  return `{\n${fields.join(',\n')},\n  "ops": ${list(ops)},\n  "faults": ${list(faults)}\n}\n`;
}
