/**
 * What the service takes at most: the one table, for both sides.
 */

/** The largest message, in bytes: the largest save that is allowed by default, its entries small, with room to spare. */
export const MESSAGE_BYTES_MAX = 67_108_864;
/** Changes of one session that may be without an answer, or with one that has not come: their answers are kept. */
export const WINDOW_CHANGES = 4096;
/** Of a snapshot's data, in one message: what is sent, and what is taken. */
export const PIECE_BYTES = 131_072;
export const PIECE_BYTES_MAX = 1_048_576;
/**
 * Bytes of entries that the server puts into one message: it holds one for each reader, as long as that takes none. The
 * first ones are smaller, for readers that never take any, whose side of the connection takes no more than the first.
 */
export const MESSAGE_BYTES = 131_072;
export const PROBE_MESSAGE_BYTES = 4096;
export const PROBE_BYTES = 131_072;
/** Bytes of changes or entries that are asked for or sent at one time, where there is more than one. */
export const BATCH_BYTES = 1_048_576;
/** Events that wait for one watcher. */
export const WATCHED_EVENTS = 256;
/** What an entry takes in a message beside its data, at most; and what a message takes beside its entries. */
export const ENTRY_WIRE_BYTES = 48;
export const CHANGE_WIRE_BYTES = 16_384;
/** Random bytes of a session's or an upload's name. */
export const ID_BYTES = 16;
