import { replaced } from '../../raft-log/read/chunks.js';
import type { RequestOf, ResponseOf } from '../calls.js';
import { packEntries } from '../wire/entry-batch.js';
import {
  ENTRY_WIRE_BYTES,
  HELD_ENTRIES_BYTES,
  LARGE_ENTRIES_BYTES,
  MESSAGE_BYTES,
  MESSAGE_BYTES_MIN,
} from '../limits.js';
import type { HostedLog } from './log-source.js';
import { tooMany } from './refusals.js';

/** One reader is sent at most this part of what may be held still. */
const HELD_SHARE = 4;

/** Bytes of entries in messages that readers have asked for and not taken. */
export interface HeldEntries {
  bytes: number;
}

/**
 * Entries of a log in messages, one read of the disk each. Who takes none leaves less for the next, and the more of them
 * there are, the less each is given: so all of them together hold little, and who reads alone is sent few large messages.
 *
 * @param held for all readers of a server
 * @param owner for those of one session, or those that have none: what entries take that are larger than their message
 */
export async function* entryMessages(
  { log, cuts }: HostedLog,
  { from, until, bytesMax = Infinity }: RequestOf<'entries'>,
  { held, owner }: { readonly held: HeldEntries; readonly owner: HeldEntries },
  signal: AbortSignal | undefined,
): AsyncGenerator<ResponseOf<'entries'>, void> {
  const options = signal === undefined ? {} : { signal };
  const cutsBefore = cuts.count;
  let sentBytes = 0;
  let entryBytes = ENTRY_WIRE_BYTES;
  let at = from;
  do {
    const bytesLeft = bytesMax - sentBytes;
    const share = Math.floor((HELD_ENTRIES_BYTES - held.bytes) / HELD_SHARE);
    const messageBytes = Math.max(MESSAGE_BYTES_MIN, Math.min(MESSAGE_BYTES, share, bytesLeft));
    let moreBytes = 0;
    held.bytes += messageBytes;
    try {
      // By their number too: so one read brings them, where behind a bound of bytes it looks for one that fits still, and
      // those without data are no more than a message holds.
      const count = Math.ceil(messageBytes / entryBytes);
      const most = sentBytes === 0 ? messageBytes : 2 * messageBytes;
      const entries = await log.entries(at, Math.min(until, at + count), {
        ...options,
        bytesMax: Math.min(bytesLeft, most),
      });
      if (cuts.lowestSince(cutsBefore) < at) throw replaced(at - 1);
      const bytes = entries.reduce((sum, { data }) => sum + data.length, 0);
      if (entries.length === 0 || (sentBytes > 0 && bytes > bytesLeft)) return;
      // An entry is never split, however much larger than a message it is.
      const above = Math.max(0, bytes - messageBytes);
      if (above > 0 && owner.bytes > 0 && owner.bytes + above > LARGE_ENTRIES_BYTES)
        throw tooMany('bytes of large entries that readers have not taken', LARGE_ENTRIES_BYTES);
      moreBytes = above;
      owner.bytes += moreBytes;
      entryBytes = ENTRY_WIRE_BYTES + bytes / entries.length;
      sentBytes += bytes;
      at += entries.length;
      yield { entries: packEntries(entries) };
    } finally {
      held.bytes -= messageBytes;
      owner.bytes -= moreBytes;
    }
  } while (at < until && sentBytes < bytesMax);
}
