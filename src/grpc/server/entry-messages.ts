import type { ReadEntry } from '../../raft-log/contract.js';
import { replaced } from '../../raft-log/read/chunks.js';
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
/** Reads under way at one time: how large the entries of a log are is known, and counted, once they were read. */
const READS_AT_ONCE = 4;

/** Bytes of entries in messages that readers have asked for and not taken. */
export interface HeldEntries {
  bytes: number;
}

/** What all readers of a server hold, and the turns in which they read. */
export class HeldByAll implements HeldEntries {
  bytes = 0;
  #readCount = 0;
  readonly #waiting: (() => void)[] = [];

  async inTurn<T>(read: () => Promise<T>): Promise<T> {
    if (this.#readCount < READS_AT_ONCE) this.#readCount += 1;
    else
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    try {
      return await read();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#readCount -= 1;
      else next();
    }
  }
}

/** Who reads. */
export interface Reader {
  readonly held: HeldByAll;
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
  { held, owner, isStranger }: Reader,
  signal: AbortSignal | undefined,
): AsyncGenerator<ResponseOf<'entries'>, void> {
  const options = signal === undefined ? {} : { signal };
  const cutsBefore = cuts.count;
  let sentBytes = 0;
  let entryBytes = ENTRY_WIRE_BYTES;
  let at = from;
  do {
    const bytesLeft = bytesMax - sentBytes;
    const messageMax = isStranger && sentBytes < STRANGER_BYTES ? MESSAGE_BYTES_MIN : MESSAGE_BYTES;
    const share = Math.floor((HELD_ENTRIES_BYTES - held.bytes) / HELD_SHARE);
    const messageBytes = Math.max(MESSAGE_BYTES_MIN, Math.min(messageMax, share, bytesLeft));
    let moreBytes = 0;
    held.bytes += messageBytes;
    try {
      const entries = await held.inTurn(async () => {
        // By their number too: so one read brings them, where behind a bound of bytes it looks for one that fits still, and
        // those without data are no more than a message holds.
        const count = Math.ceil(messageBytes / entryBytes);
        const most = sentBytes === 0 ? messageBytes : 2 * messageBytes;
        const read = await log.entries(at, Math.min(until, at + count), {
          ...options,
          bytesMax: Math.min(bytesLeft, most),
        });
        // An entry is never split, however much larger than a message it is.
        moreBytes = Math.max(0, bytesOf(read) - messageBytes);
        if (moreBytes > 0 && owner.bytes > 0 && owner.bytes + moreBytes > LARGE_ENTRIES_BYTES) {
          moreBytes = 0;
          throw tooMany('bytes of large entries that readers have not taken', LARGE_ENTRIES_BYTES);
        }
        owner.bytes += moreBytes;
        return read;
      });
      if (cuts.lowestSince(cutsBefore) < at) throw replaced(at - 1);
      const bytes = bytesOf(entries);
      if (entries.length === 0 || (sentBytes > 0 && bytes > bytesLeft)) return;
      entryBytes = ENTRY_WIRE_BYTES + bytes / entries.length;
      sentBytes += bytes;
      at += entries.length;
      yield { entries: packEntries(entries, true) };
    } finally {
      held.bytes -= messageBytes;
      owner.bytes -= moreBytes;
    }
  } while (at < until && sentBytes < bytesMax);
}

function bytesOf(entries: readonly ReadEntry[]): number {
  return entries.reduce((sum, { data }) => sum + data.length, 0);
}
