/**
 * States that a search should reach now and then, counted over all its seeds. A search that never reached one has not
 * tried what its author believes it tries: name the states first, and ask {@link Sometimes.never} at the end.
 */
export class Sometimes {
  readonly #counts = new Map<string, number>();

  /** `names`: every state that should be reached; a name that is counted must be among them. */
  constructor(names: readonly string[]) {
    for (const name of names) this.#counts.set(name, 0);
  }

  /** Counts the state `name` where `is` holds. Throws a `RangeError` for a name that was not announced. */
  count(name: string, is = true): void {
    const before = this.#counts.get(name);
    if (before === undefined) throw new RangeError(`the state ${JSON.stringify(name)} was not announced`);
    if (is) this.#counts.set(name, before + 1);
  }

  /** How often each state was reached, in the order of the announcement. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** States that were never reached. */
  get never(): readonly string[] {
    return [...this.#counts].filter(([, count]) => count === 0).map(([name]) => name);
  }
}
