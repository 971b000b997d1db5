import type { KeelsonError } from '../../errors/index.js';
import { frameHeaderBytes, type FrameFields } from '../../format/frame-header.js';
import type { FrameArena } from './frame-arena.js';

/**
 * What of the reserve a frame may use (D7):
 * - `'entries'`: none of it.
 * - `'control'`: all but the last 512 bytes: votes and truncations work on a full disk.
 * - `'record'`: all: the one snapshot and the one compaction record that make room again.
 */
export type FrameUrgency = 'entries' | 'control' | 'record';

/** What is known of a frame before it is accepted. */
export interface FrameParts {
  readonly fields: FrameFields;
  readonly urgency: FrameUrgency;
  /** Size of the encoded records. */
  readonly payloadBytes: number;
  readonly recordCount: number;
}

/**
 * A frame, one object from the layer's request until it is on stable storage or has failed: the layer says what it holds, the
 * log where it stands encoded and which LSNs it has.
 */
export abstract class Frame implements FrameParts {
  readonly fields: FrameFields;
  readonly urgency: FrameUrgency;
  readonly headerBytes: number;
  readonly payloadBytes: number;
  readonly recordCount: number;
  /** In which it stands encoded; set, as the two below, when it is accepted. */
  arena!: Pick<FrameArena, 'bytes' | 'view'>;
  /** Where its header begins in the arena; the payload follows the header. */
  start = 0;
  firstLsn = 0;
  /** Checksum of its header; set when that is written, once it is known what stands before it. */
  headerChecksum = 0;

  constructor({ fields, urgency, payloadBytes, recordCount }: FrameParts) {
    this.fields = fields;
    this.urgency = urgency;
    this.headerBytes = frameHeaderBytes(fields);
    this.payloadBytes = payloadBytes;
    this.recordCount = recordCount;
  }

  /** Writes the records, exactly `payloadBytes` long, at `offset`; the numbered ones last. */
  abstract encode(bytes: Uint8Array, view: DataView, offset: number): void;
  /** Called once the frame is on stable storage, in order of acceptance. */
  abstract onDurable(): void;
  /** Called if it is not: `KEELSON_NO_SPACE` says that nothing of it exists. */
  abstract onFailed(error: KeelsonError): void;

  accepted(arena: Pick<FrameArena, 'bytes' | 'view'>, start: number, firstLsn: number): void {
    this.arena = arena;
    this.start = start;
    this.firstLsn = firstLsn;
  }

  get lastLsn(): number {
    return this.firstLsn + this.recordCount - 1;
  }

  /** Header and payload. */
  get bytes(): number {
    return this.headerBytes + this.payloadBytes;
  }

  /** Where it ends in the arena. */
  get end(): number {
    return this.start + this.bytes;
  }

  /** The encoded records; a view, valid until the frame is durable or has failed. */
  payload(): Uint8Array {
    const from = this.start + this.headerBytes;
    return this.arena.bytes.subarray(from, from + this.payloadBytes);
  }
}
