import type { Environment } from '../disk/environment.js';
import type { HardState } from './contract.js';

/** Options of `openRaftLog`. An unknown option is refused. */
export interface RaftLogOptions {
  /** The directory of the log. Made if it is missing and `create` allows it; its parent must be there. */
  readonly dir: string;
  /** Directory of the segments, if they should live on another disk: beside `dir`, not in it. Default: `wal` inside `dir`. */
  readonly walDir?: string;
  /** `'never'` for production: an unmounted disk is not a fresh log. Default `'if-missing'`. */
  readonly create?: 'if-missing' | 'never';
  /** Size of a segment, 4 KiB..1 GiB. Default 64 MiB. */
  readonly segmentBytes?: number;
  /** Largest save, in encoded bytes, up to 256 MiB. Default 16 MiB. */
  readonly batchBytesMax?: number;
  /** Snapshots kept, 1..1000, the newest included. Default 2. */
  readonly snapshotsKept?: number;
  /** Where writes run. `'auto'`: inline while syncs are quick and groups small. Default `'auto'`. */
  readonly writeMode?: 'auto' | 'inline' | 'background';
  /** `'off'` for hosts that keep their hard state elsewhere. Default `'strict'`. */
  readonly checks?: 'strict' | 'off';
  /** Only read; takes no lock, changes nothing, safe beside a live writer. Default false. */
  readonly readOnly?: boolean;
  /** `'all'` also reads every sealed segment at open. Default `'tail'`. */
  readonly verifyOnOpen?: 'tail' | 'all';
  /** What to do with a store of an older format. Default `'refuse'`. */
  readonly onOlderFormat?: 'migrate' | 'refuse' | 'reset';
  /** Needed by `onOlderFormat: 'reset'`: where the emptied log stands. */
  readonly resetTo?: {
    /** The log is then empty behind this index: `firstIndex` is `index + 1`. The host's state machine must be there. */
    readonly index: number;
    /** Term of that index. */
    readonly term: number;
    /** Its term at least `term`; its commit becomes `index`. Left out: term and vote are kept, if they can be read. */
    readonly hardState?: HardState;
  };
  /** Most bytes of saves that may wait for the disk. Default 64 MiB. */
  readonly queueBytesMax?: number;
  /**
   * Memory for the newest entries, which `entriesInMemory` reads without the disk. Up to 1 GiB, 0 turns it off. Taken as
   * entries are saved; none are there after an open. Default 4 MiB.
   */
  readonly recentBytes?: number;
  /**
   * Bytes of segments that a checkpoint or an archiver may keep from being freed, and of a replaced snapshot that is read,
   * before the event `pinned` tells of it. 0 and up. Default 256 MiB.
   */
  readonly pinnedBytesQuiet?: number;
  /** Disk, clock, timers and randomness. Default: `nodeEnvironment()`. */
  readonly environment?: Environment;
  /**
   * Abandons the open, also while it reads: it rejects with `KEELSON_ABORTED` behind at most the read under way (1 MiB) or
   * some hundred small ones, and frees the store.
   */
  readonly signal?: AbortSignal;
}
