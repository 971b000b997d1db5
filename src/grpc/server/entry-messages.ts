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
/**
 * Reads of one log at one time: how large its entries are is known, and counted, once they were read. With its sync, that
 * leaves one of the four threads that Node reads by to the other logs, where the disk of this one does not answer.
 */
const READS_AT_ONCE = 2;

/** Bytes of entries in messages that readers have asked for and not taken. */
export interface HeldEntries {
  bytes: number;
}

/** The turns in which a log is read: so one whose disk does not answer keeps nobody from reading another. */
export class ReadTurns {
  #readCount = 0;
  readonly #waiting = new Set<() => void>();

  async inTurn<T>(signal: AbortSignal | undefined, read: () => Promise<T>): Promise<T> {
    if (this.#readCount < READS_AT_ONCE) this.#readCount += 1;
    else await this.#turn(signal);
    try {
      return await read();
    } finally {
      this.#pass();
    }
  }

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    let take = (): void => undefined;
    const given = new Promise<void>((resolve) => {
      take = resolve;
    });
    this.#waiting.add(take);
    try {
      await orAborted('the read', signal, given);
    } catch (error) {
      // One that was given in the very moment goes to who comes next.
      if (!this.#waiting.delete(take)) this.#pass();
      throw error;
    }
  }

  #pass(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#readCount -= 1;
      return;
    }
    this.#waiting.delete(next);
    next();
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
 */
export async function* entryMessages(
  { log, cuts }: HostedLog,
  { from, until, bytesMax = Infinity }: RequestOf<'entries'>,
  { held, turns, owner, isStranger }: Reader,
  signal: AbortSignal | undefined,
): AsyncGenerator<ResponseOf<'entries'>, void> {
  // Of all that is asked for: who asks for too much is not told so behind all that there is.
  judgeRange(log, from, until);
  const cutsBefore = cuts.count;
  let sentBytes = 0;
  let entryBytes = ENTRY_WIRE_BYTES;
  let at = from;
  do {
    const bytesLeft = bytesMax - sentBytes;
    const messageMax = isStranger && sentBytes < STRANGER_BYTES ? MESSAGE_BYTES_MIN : MESSAGE_BYTES;
    let messageBytes = 0;
    let moreBytes = 0;
    const reading = turns.inTurn(signal, async () => {
      // Not before: who waits for a disk that does not answer holds nothing of what there is for all.
      const share = Math.floor((HELD_ENTRIES_BYTES - held.bytes) / HELD_SHARE);
      messageBytes = Math.max(MESSAGE_BYTES_MIN, Math.min(messageMax, share, bytesLeft));
      held.bytes += messageBytes;
      // By their number too: so one read brings them, where behind a bound of bytes it looks for one that fits still, and
      // those without data are no more than a message holds.
      const count = Math.ceil(messageBytes / entryBytes);
      const most = sentBytes === 0 ? messageBytes : 2 * messageBytes;
      const read = await log.entries(at, Math.min(until, at + count), {
        bytesMax: Math.min(bytesLeft, most),
      });
      // An entry is never split, however much larger than a message it is.
      const more = Math.max(0, bytesOf(read) - messageBytes);
      if (more > 0 && owner.bytes > 0 && owner.bytes + more > LARGE_ENTRIES_BYTES)
        throw tooMany('bytes of large entries that readers have not taken', LARGE_ENTRIES_BYTES);
      moreBytes = more;
      owner.bytes += moreBytes;
      return read;
    });
    const release = (): void => {
      held.bytes -= messageBytes;
      owner.bytes -= moreBytes;
    };
    try {
      const entries = await orAborted('the read', signal, reading);
      if (cuts.lowestSince(cutsBefore) < at) throw replaced(at - 1);
      const bytes = bytesOf(entries);
      if (entries.length === 0 || (sentBytes > 0 && bytes > bytesLeft)) return;
      entryBytes = ENTRY_WIRE_BYTES + bytes / entries.length;
      sentBytes += bytes;
      at += entries.length;
      yield { entries: packEntries(entries, true) };
    } finally {
      // A read that was abandoned has its turn, and its bytes, until the disk answers.
      void reading.then(release, release);
    }
  } while (at < until && sentBytes < bytesMax);
}

function bytesOf(entries: readonly ReadEntry[]): number {
  return entries.reduce((sum, { data }) => sum + data.length, 0);
}
