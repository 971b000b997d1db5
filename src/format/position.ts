/** The end of a log: its last index, and that entry's term. What the layer above fills; the wal only carries it. */
export interface LogEnd {
  readonly lastIndex: number;
  readonly lastTerm: number;
}

/** A mark: everything up to and including `lsn` was durable when the mark was written (R1: a lower bound, never an end). */
export interface DurableMark extends LogEnd {
  readonly lsn: number;
}

export const NOTHING_DURABLE: DurableMark = Object.freeze({ lsn: 0, lastIndex: 0, lastTerm: 0 });
