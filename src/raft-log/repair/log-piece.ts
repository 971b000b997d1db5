import type { SalvagedRecords } from '../../wal/inside.js';
import type { DurableState } from '../state/durable-state.js';

/** A run of frames that replay can begin at, from a segment's preamble to the next hole. */
export interface LogPiece {
  /** The state as of its end. */
  state: DurableState;
  readonly fromSegment: number;
  /** The segment that it ends in. */
  toSegment: number;
  /** LSN in front of its first record, and of its last. */
  readonly baseLsn: number;
  lastLsn: number;
  /** Entries from here to its last index are all in it. */
  known: number;
  /** Null: it ends at the first hole. */
  readonly past: PastHoles | null;
}

/** How a stretch goes on past holes in the segment that it ends in, entry by entry. */
export interface PastHoles {
  /** The stretch up to the first of them: entries below the lowest of `records` are read from that. */
  readonly before: LogPiece;
  readonly path: string;
  /** The other entries. */
  records: SalvagedRecords;
  /** LSN of the last record that may be lost: what is lost beyond what was durable ends the log (D1). */
  lostUntilLsn: number;
  /** The stretch that it goes on with in the next segment: entries from the first that it knows on are read from that. */
  then: LogPiece | null;
}

/** A stretch that goes on past a hole; `before` stays as it is. */
export type PieceWithHoles = LogPiece & { readonly past: PastHoles };
