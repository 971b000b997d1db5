import type { KeelsonError } from '../../errors/index.js';
import type { FrameFields } from '../../format/frame-header.js';
import type { FrameArena } from './frame-arena.js';

/**
 * What of the reserve a frame may use (D7):
 * - `'entries'`: none of it.
 * - `'control'`: all but the last 512 bytes: votes and truncations work on a full disk.
 * - `'record'`: all: the one snapshot and the one compaction record that make room again.
 */
export type FrameUrgency = 'entries' | 'control' | 'record';

/** A frame that was accepted and waits for the disk. Its records stand encoded in the arena. */
export interface QueuedFrame {
  readonly arena: FrameArena;
  /** Where its header begins in the arena; the payload follows the header. */
  readonly start: number;
  readonly headerBytes: number;
  readonly payloadBytes: number;
  readonly recordCount: number;
  readonly firstLsn: number;
  readonly fields: FrameFields;
  readonly urgency: FrameUrgency;
  /** Called once the frame is on stable storage, in order of acceptance. */
  readonly onDurable: () => void;
  /** Called if it is not: `KEELSON_NO_SPACE` says that nothing of it exists. */
  readonly onFailed: (error: KeelsonError) => void;
}

export function frameBytes(frame: QueuedFrame): number {
  return frame.headerBytes + frame.payloadBytes;
}
