import type { AnyPlan } from './any-plan.js';

/** A plan with an operation or a fault a line, so that two of them can be compared by eye. */
export function planText({ ops, faults, ...head }: AnyPlan): string {
  const list = (items: readonly unknown[]): string =>
    items.length === 0 ? '[]' : `[\n${items.map((item) => `    ${JSON.stringify(item)}`).join(',\n')}\n  ]`;
  const fields = Object.entries(head).map(([name, value]) => `  "${name}": ${JSON.stringify(value)}`);
  return `{\n${fields.join(',\n')},\n  "ops": ${list(ops)},\n  "faults": ${list(faults)}\n}\n`;
}
