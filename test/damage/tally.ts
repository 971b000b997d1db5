import { MUTATION_KINDS, type MutationKind } from './mutations.js';
import type { Verdict } from './verdict.js';

const VERDICTS: readonly Verdict[] = ['exact', 'named', 'stand-in', 'torn', 'older'];

/** What became of how many cases, as a table for docs/reliability.md. */
export class Tally {
  readonly #title: string;
  readonly #counts = new Map<string, number>();

  constructor(title: string) {
    this.#title = title;
  }

  add(kind: MutationKind, verdict: Verdict): void {
    const key = `${kind} ${verdict}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  toString(): string {
    const rows = MUTATION_KINDS.map((kind) => this.#row(kind, [kind]));
    rows.push(this.#row('all', MUTATION_KINDS));
    const head = `| ${this.#title} | cases | ${VERDICTS.join(' | ')} |\n| --- | --- | ${VERDICTS.map(() => '---').join(' | ')} |`;
    return `\n${head}\n${rows.join('\n')}\n`;
  }

  #row(name: string, kinds: readonly MutationKind[]): string {
    const counts = VERDICTS.map((verdict) =>
      kinds.reduce((sum, kind) => sum + (this.#counts.get(`${kind} ${verdict}`) ?? 0), 0),
    );
    const cases = counts.reduce((sum, count) => sum + count, 0);
    return `| ${name} | ${[cases, ...counts].map((count) => count.toLocaleString('en')).join(' | ')} |`;
  }
}
