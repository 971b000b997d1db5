import { describeState, firstDifference } from './describe-state.js';
import { Finding, type Oracle } from './finding.js';
import {
  FRESH_STATE,
  isSameSnapshot,
  isSameState,
  type LogState,
  type ModelEntry,
  type ModelSnapshot,
} from './log-state.js';

/** A state in the order in which saves were issued. */
export interface IssuedState {
  readonly ordinal: number;
  readonly state: LogState;
  /** The operation that issued it, for the reader of a failure. */
  readonly by: string;
}

/** A snapshot whose record may stand behind any of the saves that were issued since it began. */
interface FloatingSnapshot {
  readonly apply: (state: LogState) => LogState;
  readonly by: string;
}

/** How a report names a snapshot. */
interface SnapshotLabel {
  readonly index: number;
  readonly term: number;
}

/**
 * The allowed set, the main oracle: `accept` is the ordered list of states that a crash may leave, the promise
 * first and one more for each save issued since. It lives outside the store and outlives all of its crashes.
 *
 * An acknowledgement drops what is older. A crash leaves one of them, which is then the promise itself.
 */
export class AllowedStates {
  #accept: readonly IssuedState[] = [{ ordinal: 0, state: FRESH_STATE, by: 'a fresh log' }];
  #ordinal = 0;
  /** Ordinal of the state with which the present life of the store began. */
  #begunAt = 0;
  #floating: FloatingSnapshot | null = null;
  /** States of this life, oldest first: what a reader beside the writer may still be shown. */
  #past: LogState[] = [FRESH_STATE];
  /** All that was ever promised, oldest first: what files that went back may show. */
  readonly #ever: LogState[] = [FRESH_STATE];
  /** Every snapshot ever begun: an older one may stand in for the newest where that was damaged (R8). */
  readonly #snapshots: ModelSnapshot[] = [];
  /** Hash of each entry ever issued: nothing else may be served, whatever happens to the disk. */
  readonly #issuedEntries: Set<number> = new Set<number>();

  /** What the store holds once everything issued has succeeded. */
  get newest(): IssuedState {
    return this.#accept[this.#accept.length - 1] as IssuedState;
  }

  get promised(): IssuedState {
    return this.#accept[0] as IssuedState;
  }

  /** Nothing is under way whose fate is open. */
  get isSettled(): boolean {
    return this.#accept.length === 1 && this.#floating === null;
  }

  /** A change was handed to the store that leads to `state`. */
  issue(state: LogState, by: string): IssuedState {
    const issued = { ordinal: ++this.#ordinal, state, by };
    this.#accept = [...this.#accept, issued];
    return issued;
  }

  noteEntries(entries: readonly ModelEntry[]): void {
    for (const { hash } of entries) this.#issuedEntries.add(hash);
  }

  wasIssued(entry: ModelEntry): boolean {
    return this.#issuedEntries.has(entry.hash);
  }

  /** The change was acknowledged: no earlier state may come back. */
  acknowledge(issued: IssuedState): void {
    const at = this.#accept.findIndex(({ ordinal }) => ordinal === issued.ordinal);
    if (at >= 0) {
      this.#keep(at);
      return;
    }
    // Acknowledged late: what is promised by now was issued behind it.
    if (issued.ordinal <= this.promised.ordinal) return;
    throw new Finding({
      oracle: 'acknowledgement',
      what: `${issued.by} was acknowledged, though a store opened since does not hold it`,
      expected: this.lines(),
      found: describeState(issued.state),
    });
  }

  /** The change was refused, or failed and left the log as it was: nothing of it exists, now or later. */
  refuse(issued: IssuedState): void {
    if (issued.ordinal === this.promised.ordinal) {
      // A store opened since holds a state that is the same as this one would have been.
      if (issued.ordinal === this.#begunAt) return;
      throw new Finding({
        oracle: 'durable-view',
        what: `${issued.by} was refused, though the durable view had shown what it led to`,
        found: describeState(issued.state),
      });
    }
    this.#accept = this.#accept.filter(({ ordinal }) => ordinal !== issued.ordinal);
  }

  /** A snapshot streams beside the saves; its record comes behind some of them. */
  float(apply: (state: LogState) => LogState, by: string): void {
    const { snapshot } = apply(this.newest.state);
    if (snapshot !== null) this.#snapshots.push(snapshot);
    this.#floating = { apply, by };
  }

  /** Its record is durable. */
  landFloating(): void {
    const floating = this.#floating;
    if (floating === null) return;
    this.#floating = null;
    this.#accept = this.#accept.map((one) => ({
      ...one,
      state: floating.apply(one.state),
      by: `${one.by}, with ${floating.by}`,
    }));
    this.#past.push(this.promised.state);
    this.#ever.push(this.promised.state);
  }

  /** It was refused: its record does not exist. */
  sinkFloating(): void {
    this.#floating = null;
  }

  /** Each state that a crash may leave now. */
  candidates(): readonly IssuedState[] {
    const floating = this.#floating;
    if (floating === null) return this.#accept;
    const landed = this.#accept.map(({ ordinal, state, by }) => ({
      ordinal,
      state: floating.apply(state),
      by: `${by}, with ${floating.by}`,
    }));
    return [...this.#accept, ...landed];
  }

  /**
   * The durable view shows a state of which `isIt` is true: none older may come back. False if no possible
   * state is it.
   */
  see(isIt: (state: LogState) => boolean): boolean {
    const at = this.#accept.findIndex(({ state }) => isIt(state));
    if (at >= 0) {
      this.#keep(at);
      return true;
    }
    return this.candidates().some(({ state }) => isIt(state));
  }

  /**
   * A store was opened and holds `found`: it must be possible, and is itself the promise from now on.
   *
   * @param standIn index and term of an older snapshot that the store says it shows in place of a damaged one
   */
  settle(found: LogState, oracle: Oracle, what: string, standIn: SnapshotLabel | null = null): void {
    const possible = standIn === null ? this.candidates() : this.#withStandIn(standIn);
    const same = possible.filter(({ state }) => isSameState(state, found));
    const one = same[same.length - 1];
    if (one === undefined) {
      const nearest = this.newest.state;
      throw new Finding({
        oracle,
        what: `${what}; against the newest allowed state: ${firstDifference(found, nearest)}`,
        expected: this.lines(),
        found: describeState(found),
      });
    }
    this.#begin(one);
  }

  /** The snapshot of this index and term; null unless exactly one was ever begun. */
  snapshotAt(index: number, term: number): ModelSnapshot | null {
    const taken = this.#snapshots.filter((one) => one.index === index && one.term === term);
    return taken.length === 1 ? (taken[0] ?? null) : null;
  }

  /** Whether some snapshot was taken or installed so, whatever became of it. */
  wasTaken(snapshot: ModelSnapshot): boolean {
    return this.#snapshots.some((one) => isSameSnapshot(one, snapshot));
  }

  /** Each state that a crash may leave, with an older snapshot in place of its own. */
  #withStandIn({ index, term }: SnapshotLabel): IssuedState[] {
    const taken = this.#snapshots.filter((one) => one.index === index && one.term === term);
    return this.candidates().flatMap((one) =>
      taken.map((snapshot) => ({
        ...one,
        state: { ...one.state, snapshot },
        by: `${one.by}, with the snapshot at ${index} in place of a damaged one`,
      })),
    );
  }

  /** Over budget anything may be left: what was found is the promise, as it is. */
  adopt(found: LogState): void {
    this.#begin({ ordinal: ++this.#ordinal, state: found, by: 'what was left over budget' });
  }

  /** How many states were promised in this life. */
  get promisedCount(): number {
    return this.#past.length;
  }

  /**
   * One of the first `count` states of this life that were promised in which `isIt` holds: all that a reader may show that no
   * mark proved by then is not in it.
   */
  wasPromised(isIt: (state: LogState) => boolean, count: number): boolean {
    return this.#past.slice(0, count).some(isIt);
  }

  /** A state of this life in which `isIt` holds: what a reader beside the writer may be shown. */
  wasEver(isIt: (state: LogState) => boolean): boolean {
    return this.#past.some(isIt) || this.candidates().some(({ state }) => isIt(state));
  }

  /** All states that were ever promised, over all lives, in that order. */
  get promises(): readonly LogState[] {
    return this.#ever;
  }

  /** The allowed states as lines of a failure. */
  lines(): string[] {
    return this.candidates().map(({ state, by }) => `${describeState(state)} (${by})`);
  }

  #keep(at: number): void {
    for (const { state } of this.#accept.slice(1, at + 1)) {
      this.#past.push(state);
      this.#ever.push(state);
    }
    this.#accept = this.#accept.slice(at);
  }

  #begin(promise: IssuedState): void {
    this.#accept = [promise];
    this.#begunAt = promise.ordinal;
    this.#floating = null;
    this.#past = [promise.state];
    this.#ever.push(promise.state);
  }
}
