/** What a layer hands over to be logged, and what it gets back at once. */
import type { KeelsonError } from '../../errors/index.js';
import type { FrameFields } from '../../format/frame-header.js';
import type { FrameUrgency } from './queued-frame.js';

/** A frame to be accepted. */
export interface FrameRequest {
  readonly fields: FrameFields;
  /** Size of the encoded records. */
  readonly payloadBytes: number;
  readonly recordCount: number;
  readonly urgency: FrameUrgency;
  /** Writes the records, exactly `payloadBytes` long, at `offset`; the numbered ones last. */
  readonly encode: (bytes: Uint8Array, view: DataView, offset: number) => void;
  readonly onDurable: () => void;
  readonly onFailed: (error: KeelsonError) => void;
}

/** Where the records of an accepted frame stand in memory until they are durable. */
export interface AcceptedFrame {
  readonly lastLsn: number;
  /** The encoded records; a view, valid until the frame is durable or has failed. */
  payload(): Uint8Array;
}
