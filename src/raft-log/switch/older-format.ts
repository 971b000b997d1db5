import type { Environment } from '../../disk/environment.js';
import type { Entry, HardState } from '../contract.js';

/** Where a store of an older format lies. Whoever reads it writes nothing. */
export interface OlderPlace {
  readonly environment: Environment;
  readonly dir: string;
  readonly walDir: string;
  /** The bytes of its superblock. */
  readonly superblock: Uint8Array;
}

/** The highest numbers that a store may have used: its replacement begins above. */
export interface OlderSeen {
  readonly lsn: number;
  readonly segment: number;
}

/** A sound log of an older format: all that a Raft log is, to be written again in this one. */
export interface OlderLog {
  readonly seen: OlderSeen;
  /** Null if that format had none. */
  readonly lineage: Uint8Array | null;
  readonly hardState: HardState;
  /** `firstIndex - 1` and its term. */
  readonly boundary: { readonly index: number; readonly term: number };
  readonly lastIndex: number;
  /** As in `RaftLog`; 0 where that format knew no such thing. */
  readonly unfitUntil: number;
  /** Its small values; none where that format knew no such thing. */
  readonly stable: ReadonlyMap<string, Uint8Array>;
  readonly snapshot: {
    readonly index: number;
    readonly term: number;
    readonly conf: Uint8Array;
    readonly data: AsyncIterable<Uint8Array>;
  } | null;
  /** All entries, in order, in pieces of any size. */
  entries(): AsyncIterable<readonly Entry[]>;
}

/** What can be said of a log of an older format that is damaged. */
export interface OlderRuins {
  readonly seen: OlderSeen;
  /** The highest index that it may have acknowledged; `Infinity` where no witness bounds it. */
  readonly acknowledgedUntil: number;
}

/** What a superblock of an older format says; see `OlderStores` of the wal. */
export interface OlderSlots {
  readonly epoch: number;
  readonly generation: number;
  /** The slot that does not hold the newest state: it may be written over first. */
  readonly freeSlot: 0 | 1;
}

/** A format before this one: how to know it, to fence it and to read it. It is never written but for the fence. */
export interface OlderFormat {
  readonly version: number;
  /** Judged under that format's own magic and checksum; null if the superblock is of another format. */
  recognise(superblock: Uint8Array): OlderSlots | null;
  /** The newest slot with another epoch. */
  stamped(superblock: Uint8Array, epoch: number): Uint8Array;
  /** Reads and judges the whole store. Errors: its damage, by the codes of this release. */
  read(place: OlderPlace): Promise<OlderLog>;
  /** Of a store that {@link OlderFormat.read} finds damaged: what bounds it. */
  ruins(place: OlderPlace): Promise<OlderRuins>;
}

/**
 * The formats before this one, each with the step that brings a store of it straight to the present one: there are no
 * steps between, so no format is ever written by a release that has a newer one. Version 1 is the first format, so
 * the table is empty; the tests bring a version 0 of their own.
 */
export const OLDER_FORMATS: readonly OlderFormat[] = [];
