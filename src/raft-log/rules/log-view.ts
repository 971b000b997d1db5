import type { HardState } from '../contract.js';

/**
 * What a judgement sees of a log: the durable state, or the durable state plus all that is queued.
 *
 * The decisions of this room are functions of such a view and a request, so that every store that can show
 * one (in memory, on a disk) refuses the same calls with the same errors in the same order.
 */
export interface LogView {
  /** Lowest index held; `firstIndex - 1` is the boundary, whose term is still known. */
  readonly firstIndex: number;
  /** Highest index held; `firstIndex - 1` if the log is empty. */
  readonly lastIndex: number;
  /** Term of `lastIndex`. */
  readonly lastTerm: number;
  readonly hardState: HardState;
  /** The newest snapshot, or null. Its index is never above `lastIndex`. */
  readonly snapshot: { readonly index: number; readonly term: number } | null;
  /** The small values. */
  readonly stable: ReadonlyMap<string, Uint8Array>;
  /** New votes are refused until the commit index has reached this; 0 when fit. */
  readonly unfitUntil: number;
  /** Term of an index in `firstIndex - 1 .. lastIndex`; not asked for any other. */
  term(index: number): number;
  /** `entryChecksum` of a held entry, or undefined where it is not in memory. */
  checksum(index: number): number | undefined;
}

/** Which rules a log was opened with. */
export interface JudgeRules {
  /** `'off'` leaves out the safety interlocks, and nothing else. */
  readonly checks: 'strict' | 'off';
}
