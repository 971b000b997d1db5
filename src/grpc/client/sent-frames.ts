import type { LogFrame } from '../../raft-log/state/log-frame.js';
import type { Change } from '../generated/keelson/v1/raft_log.js';

/** A change without an answer. */
export interface SentFrame {
  /** Null once the log has given it up: its number is still the session's. */
  frame: LogFrame | null;
  /** 0 before it is sent for the first time. */
  number: number;
  readonly followsLsn: number;
  readonly wireBytes: number;
  /** What it says; asked for each time that it is sent. */
  readonly change: () => NonNullable<Change['change']>;
  readonly sinceMs: number;
}

/**
 * The changes of a session that are not answered yet, in order. Numbers are given when a change is first sent, so that one
 * which was given up before leaves no gap; what was sent keeps its number, and is sent again over a new connection.
 */
export class SentFrames {
  #waiting: SentFrame[] = [];
  #lastNumber = 0;
  #answered = 0;
  /** Of the waiting ones, how many this connection was given. */
  #sent = 0;

  get count(): number {
    return this.#waiting.length;
  }

  get oldest(): SentFrame | undefined {
    return this.#waiting[0];
  }

  add(frame: SentFrame): void {
    this.#waiting.push(frame);
  }

  /** A new connection: all that wait are to be sent again. */
  rewind(): void {
    this.#sent = 0;
  }

  /** A new session, whose numbers begin anew, and which knows nothing of what was given up. */
  restart(): void {
    this.#waiting = this.#waiting.filter(({ frame }) => frame !== null);
    for (const one of this.#waiting) one.number = 0;
    this.#lastNumber = 0;
    this.#answered = 0;
    this.#sent = 0;
  }

  /** The next changes to send, until they pass `bytesMax`; none while `windowMax` are without an answer. */
  nextBatch(bytesMax: number, windowMax: number): Change[] {
    const changes: Change[] = [];
    let bytes = 0;
    while (this.#sent < Math.min(this.#waiting.length, windowMax)) {
      const next = this.#waiting[this.#sent] as SentFrame;
      bytes += next.wireBytes;
      if (changes.length > 0 && bytes > bytesMax) break;
      if (next.number === 0) {
        this.#lastNumber += 1;
        next.number = this.#lastNumber;
      }
      const { number, followsLsn, frame } = next;
      const change = frame === null ? undefined : next.change();
      changes.push({ number, followsLsn, answered: this.#answered, change });
      this.#sent += 1;
    }
    return changes;
  }

  /** Takes out the change that an answer is for; undefined for one of which the answer came before. */
  answered(number: number): SentFrame | undefined {
    if (number <= this.#answered) return undefined;
    const first = this.#waiting[0];
    if (first?.number !== number)
      throw new RangeError(`answer ${number}, expected ${first?.number ?? 'none'}`);
    this.#waiting.shift();
    this.#sent -= 1;
    this.#answered = number;
    return first;
  }

  /** Takes out the oldest, of which something else told what became of it. */
  settleOldest(): void {
    this.#waiting.shift();
  }

  /** The log has given up all that wait: what was never sent goes, and of the rest the numbers stay. Returns the oldest. */
  giveUp(): LogFrame | null {
    const oldest = this.#waiting.find(({ frame }) => frame !== null)?.frame ?? null;
    this.#waiting = this.#waiting.filter(({ number }) => number > 0);
    for (const one of this.#waiting) one.frame = null;
    this.#sent = Math.min(this.#sent, this.#waiting.length);
    return oldest;
  }
}
