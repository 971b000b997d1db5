/**
 * What the service takes at most: the one table, for both sides.
 */

/** The largest message, in bytes: the largest save that is allowed by default, its entries small, with room to spare. */
export const MESSAGE_BYTES_MAX = 67_108_864;
/** Entries in one message, of all its changes: what takes some 30 ms to be taken in, while nobody else is served. */
export const ENTRIES_MAX = 65_536;
/**
 * Tags, lengths and packed numbers in one message: two bytes can be a whole field, of fifty times their size in memory, and a
 * large message of those would keep everybody waiting, or end the process. Entries, each of a term of its own, take fewer.
 */
export const FIELDS_MAX = 524_288;
/** Changes of one session that may be without an answer, or with one that has not come: their answers are kept. */
export const WINDOW_CHANGES = 4096;
/** Of a snapshot's data, in one message: what is sent, and what is taken. */
export const PIECE_BYTES = 131_072;
export const PIECE_BYTES_MAX = 1_048_576;
/**
 * Bytes of entries that the server puts into one message: it holds one for each reader, as long as that takes none; and so
 * many for all of them, above which each is sent messages of the smallest size. So is who has no session, up to more bytes
 * than a connection takes for a client that reads nothing: thousands of those leave the others their room. Entries that are
 * larger than their message are held up to the last number, for the readers of one session, or for all that have none; above
 * it calls are refused.
 */
export const MESSAGE_BYTES = 524_288;
export const MESSAGE_BYTES_MIN = 4096;
export const HELD_ENTRIES_BYTES = 16_777_216;
export const STRANGER_BYTES = 131_072;
export const LARGE_ENTRIES_BYTES = 33_554_432;
/**
 * Reads of one log at one time: how large its entries are is known, and counted, once they were read. With its sync, that
 * leaves one of the four threads that Node reads by to the other logs, where the disk of this one does not answer.
 */
export const READS_AT_ONCE = 2;
/** Verifications of one log at one time: each reads all of it. */
export const VERIFIES_AT_ONCE = 1;
/** Looks at logs without a session that are open at one time: each has descriptors of its own. */
export const LOOKS_MAX = 64;
/** Bytes of entries that are asked for at one time, where there is more than one. */
export const BATCH_BYTES = 1_048_576;
/**
 * Bytes of changes in one message, where there is more than one: about what a server reads at one time, so that it saves
 * those that came while the next are on their way.
 */
export const STREAM_MESSAGE_BYTES = 131_072;
/** What a client that has a session may send on one stream before the server has read it: several such messages. */
export const WINDOW_BYTES = 524_288;
/** And all such streams of a server. */
export const WINDOWS_BYTES_MAX = 268_435_456;
/**
 * Answers that clients have not taken, of all calls: above it those are let go that have waited longest, and for that time at
 * least. And what a client takes a millisecond that is on a slow line, and no silent one.
 */
export const UNREAD_BYTES_MAX = 33_554_432;
export const UNREAD_MS_MIN = 1000;
export const UNREAD_BYTES_A_MS = 64;
/** Calls of health and reflection at one time, and bytes of their messages that have not come whole. */
export const COMPANION_CALLS_MAX = 1024;
export const COMPANION_PART_BYTES_MAX = 1_048_576;
/** Events that wait for one watcher. */
export const WATCHED_EVENTS = 256;
/** What an entry is counted for beside its data, more than it takes; and what a change takes beside its entries, without small values. */
export const ENTRY_WIRE_BYTES = 64;
export const CHANGE_WIRE_BYTES = 16_384;
export const PLAIN_CHANGE_WIRE_BYTES = 1024;
