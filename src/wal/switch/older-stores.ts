import type { LogEnd } from '../../format/position.js';
import type { SegmentedLog } from '../segmented-log.js';
import type { StorePaths } from '../store/store-directory.js';

/** What the layer above knows of the formats before this one, and what it wants done with a store of them. */
export interface OlderStores {
  readonly onOlder: 'migrate' | 'refuse' | 'reset';
  /** The store that these bytes of a superblock are of, judged by each older format; null if by none. */
  recognise(superblock: Uint8Array, paths: StorePaths): OlderStore | null;
}

/** A store of an older format. In every format the superblock is two slots of one size, written in turn. */
export interface OlderStore {
  readonly version: number;
  readonly epoch: number;
  readonly generation: number;
  /** The slot that does not hold the newest state: it may be written over first. */
  readonly freeSlot: 0 | 1;
  /** A slot of the old format that says the same, a clean end too, with a higher epoch, for {@link OlderStore.freeSlot} and then the other. */
  stamped(epoch: number): Uint8Array;
  /** Reads and judges it, writing nothing: what is to take its place. Throws its damage. */
  prepare(): Promise<Replacement>;
}

/** A new log in the place of a store of an older format. */
export interface Replacement {
  /** Null: a new one. */
  readonly lineage: Uint8Array | null;
  /** The highest LSN and segment number that the old store may have used: the new one begins above. */
  readonly above: { readonly lsn: number; readonly segment: number };
  /** Where the new log begins. */
  readonly end: LogEnd;
  /** Writes durably what must stand beside the segments; returns the state of the first segment's preamble. */
  begin(lineage: Uint8Array): Promise<Uint8Array>;
  /** Appends what the log is to hold. Resolved: all of it is durable. */
  fill(log: SegmentedLog): Promise<void>;
}
