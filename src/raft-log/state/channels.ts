import { channel, type Channel } from 'node:diagnostics_channel';
import type { RaftLogEventMap } from '../events.js';

/** What is published on a channel: what a listener of `log.events` is told, and of which log. */
export interface ChannelMessage {
  /** Its directory, or how else its messages name it. */
  readonly log: string;
  /** What came with the event; undefined where nothing does. */
  readonly told: unknown;
}

/** What each event means to who watches a whole process: the table behind docs/metrics.md. */
export const CHANNEL_TEXTS: Readonly<Record<keyof RaftLogEventMap, string>> = {
  sync: 'a group is on stable storage: `{ lsn, saves, bytes, ms }`',
  rotate: 'a new segment took over: `{ path, number, recycled }`',
  recovered: 'a log was opened: its recovery report',
  'snapshot-fallback': 'an older snapshot stands in for the one that the log names: `{ lost, used }`',
  compacted: 'entries are gone, durably: `{ upTo, bytesFreed }`',
  snapshot: 'a snapshot counts: `{ meta, installed }`',
  'no-space': 'saves are refused for want of room: the error',
  'space-back': 'what was refused may be tried again',
  failed: 'the log is latched: the error',
  'slow-sync': 'a sync took longer than 100 ms: `{ ms, bytes }`',
  stalled: 'a call of the disk hangs: `{ call, path, sinceMs }`',
  pinned:
    'a checkpoint, an archiver or a reader of a snapshot keeps files from being freed: `{ holder, bytes, ageMs }`',
  unmarked: 'end marks cannot be written: the error',
};

/** `keelson:sync` and so on: the events of all logs of this process, for tools that watch it. */
export const CHANNELS: Readonly<Record<keyof RaftLogEventMap, Channel>> = Object.fromEntries(
  Object.keys(CHANNEL_TEXTS).map((event) => [event, channel(`keelson:${event}`)]),
) as Readonly<Record<keyof RaftLogEventMap, Channel>>;
