import { withChange } from '../../format/stable-values.js';
import type { HardState } from '../contract.js';
import { Cuts } from '../rules/cuts.js';
import type { DurableState } from './durable-state.js';
import type { LogView } from '../rules/log-view.js';
import type { LogFrame } from './log-frame.js';

/**
 * The durable state plus every save that is queued: what new saves are judged against, and what a leader may
 * send while it writes. The queue lies over the durable state, newest on top; nothing is copied.
 */
export class AcceptedState implements LogView {
  readonly #durable: DurableState;
  readonly #durableChecksum: (index: number) => number | undefined;
  #queue: LogFrame[] = [];
  /** Saves before this one in the array have become durable. */
  #head = 0;
  /** Lowest index that any queued save writes: below it only the durable state has to be asked. */
  #lowest = Infinity;
  firstIndex: number;
  lastIndex: number;
  lastTerm: number;
  hardState: HardState;
  stable: ReadonlyMap<string, Uint8Array>;
  snapshot: { readonly index: number; readonly term: number } | null;
  readonly cuts: Cuts = new Cuts();

  constructor(durable: DurableState, durableChecksum: (index: number) => number | undefined) {
    this.#durable = durable;
    this.#durableChecksum = durableChecksum;
    this.firstIndex = durable.firstIndex;
    this.lastIndex = durable.lastIndex;
    this.lastTerm = durable.lastTerm;
    this.hardState = durable.hardState;
    this.stable = durable.stable;
    this.snapshot = durable.snapshotName;
  }

  get unfitUntil(): number {
    return this.#durable.unfitUntil;
  }

  get queuedCount(): number {
    return this.#queue.length - this.#head;
  }

  /** The save accepted last, if it is not durable yet. */
  get newest(): LogFrame | undefined {
    return this.queuedCount === 0 ? undefined : this.#queue[this.#queue.length - 1];
  }

  /** Lays a save over the rest. `lastTerm` is the term of the last entry after it. */
  push(save: LogFrame, lastTerm: number): void {
    const { effect } = save;
    if (effect.resetTo !== undefined) this.cuts.note(0);
    else if (effect.keepUntil <= this.lastIndex) this.cuts.note(effect.keepUntil);
    this.#queue.push(save);
    this.lastIndex = save.until - 1;
    this.lastTerm = lastTerm;
    this.hardState = effect.hardState;
    if (effect.stable !== undefined) this.stable = withChange(this.stable, effect.stable);
    if (effect.snapshot !== undefined) this.snapshot = effect.snapshot.ref;
    if (effect.compactedTo !== undefined) this.firstIndex = effect.compactedTo + 1;
    if (effect.resetTo !== undefined) this.firstIndex = effect.resetTo.index + 1;
    this.#lowest = Math.min(this.#lowest, lowestOf(save));
  }

  /** The oldest queued save has become durable and was applied to the durable state. */
  shift(): LogFrame | undefined {
    const save = this.#queue[this.#head];
    this.#head += 1;
    if (this.#head === this.#queue.length) this.#forget();
    else if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return save;
  }

  #forget(): void {
    this.#queue = [];
    this.#head = 0;
    this.#lowest = Infinity;
  }

  /** D8: failed saves leave at once. Returns those that only waited, to be failed too. */
  clear(): readonly LogFrame[] {
    const failed = this.#queue.slice(this.#head);
    this.cuts.note(0);
    this.#forget();
    const { firstIndex, lastIndex, lastTerm, hardState, stable, snapshotName } = this.#durable;
    Object.assign(this, { firstIndex, lastIndex, lastTerm, hardState, stable, snapshot: snapshotName });
    return failed;
  }

  term(index: number): number {
    const save = this.#writerOf(index);
    if (save === undefined) return this.#durable.term(index);
    return save.effect.resetTo?.index === index ? save.effect.resetTo.term : save.term(index);
  }

  checksum(index: number): number | undefined {
    const save = this.#writerOf(index);
    if (save === undefined) return this.#durableChecksum(index);
    return save.effect.resetTo?.index === index ? undefined : save.checksum(index);
  }

  /** The newest queued save that wrote `index`, which the log holds; undefined if the durable state has it. */
  #writerOf(index: number): LogFrame | undefined {
    if (index < this.#lowest) return undefined;
    for (let at = this.#queue.length - 1; at >= this.#head; at -= 1) {
      const save = this.#queue[at] as LogFrame;
      if (index >= lowestOf(save)) return save;
    }
    return undefined;
  }

  /** The stretch of `[from, until)` that begins at `from` and stands in one place: a queued save, or the durable log. */
  stretch(from: number, until: number): { readonly save: LogFrame | undefined; readonly until: number } {
    const save = this.#writerOf(from);
    if (save !== undefined) return { save, until: Math.min(until, this.#replacedFrom(save, from)) };
    // A queue that never runs empty leaves `#lowest` behind; what is queued now says where it begins to write.
    this.#lowest = Infinity;
    for (let at = this.#head; at < this.#queue.length; at += 1)
      this.#lowest = Math.min(this.#lowest, lowestOf(this.#queue[at] as LogFrame));
    return { save, until: Math.min(until, Math.max(from + 1, this.#lowest)) };
  }

  /** Where the entries of `save` from `from` on end, or where a later save replaces them. */
  #replacedFrom(save: LogFrame, from: number): number {
    let end = save.until;
    for (let at = this.#queue.length - 1; this.#queue[at] !== save; at -= 1)
      end = Math.min(end, Math.max(from + 1, lowestOf(this.#queue[at] as LogFrame)));
    return end;
  }
}

/** The lowest index of which the save says something. */
function lowestOf({ effect }: LogFrame): number {
  return effect.resetTo?.index ?? effect.keepUntil;
}
