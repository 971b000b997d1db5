import { orAborted } from '../../errors/index.js';
import type { ReadEntry } from '../../raft-log/contract.js';
import { replaced } from '../../raft-log/read/chunks.js';
import { judgeRange } from '../../raft-log/rules/judge-range.js';
import type { RequestOf, ResponseOf } from '../calls.js';
import { packEntries } from '../wire/entry-batch.js';
import {
  ENTRY_WIRE_BYTES,
  HELD_ENTRIES_BYTES,
  LARGE_ENTRIES_BYTES,
  MESSAGE_BYTES,
  MESSAGE_BYTES_MIN,
  STRANGER_BYTES,
} from '../limits.js';
import type { HostedLog } from './log-source.js';
import { tooMany } from './refusals.js';

/** One reader is sent at most this part of what may be held still. */
const HELD_SHARE = 4;
/** Bytes of entries in messages that readers have asked for and not taken. */
export interface HeldEntries {
  bytes: number;
}

/** The turns in which a log is read, or verified: so one whose disk does not answer keeps nobody from reading another. */
export class ReadTurns {
  readonly #atOnce: number;
  #readCount = 0;
  readonly #waiting = new Set<() => void>();

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** Does it when it is its turn. @throws `KEELSON_ABORTED` */
  async run<T>(what: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    let begin = (): void => undefined;
    const isMine = new Promise<void>((resolve) => {
      begin = resolve;
      this.take(begin);
    });
    try {
      await orAborted(what, signal, isMine);
    } catch (error) {
      if (!this.leave(begin)) this.pass();
      throw error;
    }
    return work().finally(() => this.pass());
  }

  /** Calls `begin` when it is its turn, which ends with {@link pass}. */
  take(begin: () => void): void {
    if (this.#readCount === this.#atOnce) {
      this.#waiting.add(begin);
      return;
    }
    this.#readCount += 1;
    begin();
  }

  /** True if it had no turn yet, and will have none. */
  leave(begin: () => void): boolean {
    return this.#waiting.delete(begin);
  }

  pass(): void {
    this.#readCount -= 1;
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next);
    this.take(next);
  }
}

/** Who reads. */
export interface Reader {
  /** What all readers of a server hold. */
  readonly held: HeldEntries;
  /** Of the log. */
  readonly turns: ReadTurns;
  /** For those of one session, or those that have none: what entries take that are larger than their message. */
  readonly owner: HeldEntries;
  /** Without a session, messages are of the smallest size until some were taken. */
  readonly isStranger: boolean;
}

/**
 * Entries of a log in messages, one read of the disk each. Who takes none leaves less for the next, and the more of them
 * there are, the less each is given: so all of them together hold little, and who reads alone is sent few large messages.
 *
 * Invariant: between two messages nothing here refers to entries. A generator would, in its frame, as long as its reader
 * does not come for the next. And `return` is heeded at once, also while a message is made.
 */
export class EntryMessages implements AsyncIterableIterator<ResponseOf<'entries'>, void, undefined> {
  readonly #hosted: HostedLog;
  readonly #asked: RequestOf<'entries'>;
  readonly #reader: Reader;
  readonly #signal: AbortSignal | undefined;
  readonly #cutsBefore: number;
  #at: number;
  #sentBytes = 0;
  #entryBytes = ENTRY_WIRE_BYTES;
  /** Of what there is for all, and of the owner's. */
  #heldBytes = 0;
  #moreBytes = 0;
  #begin: (() => void) | null = null;
  #isReading = false;
  #isOver = false;

  constructor(
    hosted: HostedLog,
    asked: RequestOf<'entries'>,
    reader: Reader,
    signal: AbortSignal | undefined,
  ) {
    // Of all that is asked for: who asks for too much is not told so behind all that there is.
    judgeRange(hosted.log, asked.from, asked.until);
    this.#hosted = hosted;
    this.#asked = asked;
    this.#reader = reader;
    this.#signal = signal;
    this.#cutsBefore = hosted.cuts.count;
    this.#at = asked.from;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<ResponseOf<'entries'>, void>> {
    this.#letGo();
    try {
      const entries = await this.#nextEntries();
      if (entries.length > 0) return { done: false, value: { entries: packEntries(entries, true) } };
      await this.return();
      return { done: true, value: undefined };
    } catch (error) {
      await this.return();
      throw error;
    }
  }

  return(): Promise<IteratorResult<ResponseOf<'entries'>, void>> {
    this.#isOver = true;
    if (this.#begin !== null) this.#reader.turns.leave(this.#begin);
    // A read that was abandoned has its turn, and its bytes, until the disk answers.
    if (!this.#isReading) this.#letGo();
    return Promise.resolve({ done: true, value: undefined });
  }

  #letGo(): void {
    this.#reader.held.bytes -= this.#heldBytes;
    this.#reader.owner.bytes -= this.#moreBytes;
    this.#heldBytes = 0;
    this.#moreBytes = 0;
  }

  /** None behind the last. */
  async #nextEntries(): Promise<readonly ReadEntry[]> {
    const { from, until, bytesMax = Infinity } = this.#asked;
    const bytesLeft = bytesMax - this.#sentBytes;
    if (this.#isOver || this.#at >= until || (bytesLeft <= 0 && this.#at > from)) return [];
    const entries = await orAborted('the read', this.#signal, this.#inTurn(bytesLeft));
    if (this.#hosted.cuts.lowestSince(this.#cutsBefore) < this.#at) throw replaced(this.#at - 1);
    const bytes = bytesOf(entries);
    if (entries.length === 0 || (this.#sentBytes > 0 && bytes > bytesLeft)) return [];
    this.#entryBytes = ENTRY_WIRE_BYTES + bytes / entries.length;
    this.#sentBytes += bytes;
    this.#at += entries.length;
    return entries;
  }

  async #inTurn(bytesLeft: number): Promise<readonly ReadEntry[]> {
    const { turns } = this.#reader;
    await new Promise<void>((resolve) => {
      this.#begin = resolve;
      turns.take(resolve);
    });
    this.#begin = null;
    this.#isReading = true;
    try {
      return this.#isOver ? [] : await this.#read(bytesLeft);
    } finally {
      this.#isReading = false;
      turns.pass();
      if (this.#isOver) this.#letGo();
    }
  }

  async #read(bytesLeft: number): Promise<readonly ReadEntry[]> {
    const { held, owner, isStranger } = this.#reader;
    const messageMax = isStranger && this.#sentBytes < STRANGER_BYTES ? MESSAGE_BYTES_MIN : MESSAGE_BYTES;
    // Not before: who waits for a disk that does not answer holds nothing of what there is for all.
    const share = Math.floor((HELD_ENTRIES_BYTES - held.bytes) / HELD_SHARE);
    this.#heldBytes = Math.max(MESSAGE_BYTES_MIN, Math.min(messageMax, share, bytesLeft));
    held.bytes += this.#heldBytes;
    // By their number too: so one read brings them, where behind a bound of bytes it looks for one that fits still, and
    // those without data are no more than a message holds.
    const count = Math.ceil(this.#heldBytes / this.#entryBytes);
    const most = this.#sentBytes === 0 ? this.#heldBytes : 2 * this.#heldBytes;
    const read = await this.#hosted.log.entries(this.#at, Math.min(this.#asked.until, this.#at + count), {
      bytesMax: Math.min(bytesLeft, most),
    });
    // An entry is never split, however much larger than a message it is.
    const more = Math.max(0, bytesOf(read) - this.#heldBytes);
    if (more > 0 && owner.bytes > 0 && owner.bytes + more > LARGE_ENTRIES_BYTES)
      throw tooMany('bytes of large entries that readers have not taken', LARGE_ENTRIES_BYTES);
    this.#moreBytes = more;
    owner.bytes += more;
    return read;
  }
}

function bytesOf(entries: readonly ReadEntry[]): number {
  return entries.reduce((sum, { data }) => sum + data.length, 0);
}
