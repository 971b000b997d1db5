import type { CallKind, CrashKind, CrashPoint } from '../disk/calls/call-kinds.js';
import type { DiskProfile } from '../disk/harm/profile.js';

/** Version of the form of plans; a corpus of another one is refused, not guessed at. */
export const PLAN_VERSION = 1;

/**
 * - `'disk'`: one store on one disk whose faults keep to the budget, so that every verdict is crisp.
 * - `'over-budget'`: damage may hit anything; then only safety is asked, never liveness.
 */
export const PLAN_PROFILES = ['disk', 'over-budget'] as const;
/** One of the profiles above. */
export type PlanProfile = (typeof PLAN_PROFILES)[number];

/** The world and the options of the store. */
export interface PlanConfig {
  readonly disk: Pick<DiskProfile, 'metadata' | 'sectorBytes' | 'images' | 'failedSync' | 'calls'> & {
    readonly powerSafeOverwrite: boolean;
    /** Left out: an overwrite takes no room. */
    readonly copiesOnWrite?: boolean;
  };
  readonly segmentBytes: number;
  readonly batchBytesMax: number;
  readonly snapshotsKept: number;
  /** Left out: more than any burst takes. */
  readonly queueBytesMax?: number;
  /** Left out: no entries are kept in memory. */
  readonly recentBytes?: number;
  readonly writeMode: 'auto' | 'inline' | 'background';
  /** The segments live in a directory of their own, outside the store's. */
  readonly walDirIsSeparate: boolean;
  /** A store whose damage was named is repaired. Left out: the run ends with its name. */
  readonly repairs?: boolean;
}

/** A small value of so many bytes under the key of that number; null drops it. */
export interface ValueChange {
  readonly key: number;
  readonly bytes: number | null;
}

/**
 * One save. Sizes and places are relative (`depth` entries from the end, `share` of what is there), so that an
 * operation means something whatever was left out before it.
 */
export type SaveOp =
  /** New entries at the end, `raise` terms above the last; `climbs`: each so many terms above the one before, as who was away gets them. */
  | {
      readonly kind: 'append';
      readonly count: number;
      readonly bytes: number;
      readonly raise: number;
      readonly climbs?: number;
    }
  /** Entries of a higher term from `depth` below the end, as from a new leader. */
  | { readonly kind: 'conflict'; readonly depth: number; readonly count: number; readonly bytes: number }
  /** Entries that are held already, and `count` new ones behind them. */
  | { readonly kind: 'resend'; readonly depth: number; readonly count: number; readonly bytes: number }
  | { readonly kind: 'truncate'; readonly depth: number }
  | { readonly kind: 'vote'; readonly raise: number; readonly candidate: string | null }
  | { readonly kind: 'commit'; readonly share: number }
  | { readonly kind: 'empty' }
  /** Small values, and nothing else. */
  | { readonly kind: 'values'; readonly values: readonly ValueChange[] }
  /**
   * Several changes in one atom: a cut `depth` below the end, entries behind it, a vote, a commit at that share of what
   * is there then; null leaves a part out. What each part does alone says nothing of what they do together.
   */
  | {
      readonly kind: 'mixed';
      readonly depth: number | null;
      readonly count: number;
      readonly bytes: number;
      readonly raise: number;
      readonly candidate: string | null;
      readonly share: number | null;
      /** Left out: none of the small values change. */
      readonly values?: readonly ValueChange[];
    }
  /** A request that a correct Raft never makes. */
  | { readonly kind: 'wrong'; readonly which: WrongSave };

export const WRONG_SAVES = [
  'gap',
  'term-falls',
  'vote-changes',
  'commit-falls',
  'cuts-committed',
  'too-large',
  /** The last entry again, with other bytes: refused where the checksum is in memory, else skipped. */
  'mismatch',
] as const;
export type WrongSave = (typeof WRONG_SAVES)[number];

export const MOVED_PARTS = ['store', 'segments'] as const;
export type MovedPart = (typeof MOVED_PARTS)[number];

export const PUT_IN_PLACE = ['nothing', 'empty', 'copy'] as const;
export type PutInPlace = (typeof PUT_IN_PLACE)[number];

/** What may be under way when a log is closed, besides saves. A stalled snapshot is one whose data never comes. */
export const UNDER_WAY = [
  'snapshot',
  'stalled-snapshot',
  'compaction',
  'checkpoint',
  'read',
  'stream',
  'open-snapshot',
  /** Opened before, and read behind the close. */
  'held-snapshot',
] as const;
export type UnderWay = (typeof UNDER_WAY)[number];

export const COPY_WAYS = ['store', 'all', 'durable'] as const;
export type CopyWay = (typeof COPY_WAYS)[number];

export const SNAPSHOT_BREAKS = ['data-fails', 'given-up', 'index-gone'] as const;
export type SnapshotBreak = (typeof SNAPSHOT_BREAKS)[number];

/** Whose the copy is: another server's, or the same one's, which may have promised more since. Of a whole cluster all are one moment's. */
export const COPY_IDENTITIES = ['new-member', 'same', 'same-of-whole-cluster'] as const;
export type CopyIdentity = (typeof COPY_IDENTITIES)[number];

export type OpBody =
  | SaveOp
  /** Saves of one turn of the event loop; with a gap (virtual milliseconds), each while those before are under way. `reads`: a read beside them. */
  | {
      readonly kind: 'burst';
      readonly saves: readonly SaveOp[];
      readonly gapMs?: number;
      readonly reads?: boolean;
    }
  | {
      readonly kind: 'snapshot';
      readonly share: number;
      readonly bytes: number;
      readonly chunks: number;
      /** Issued while the data streams. */
      readonly beside: readonly SaveOp[];
      /** The oldest that is kept is opened before, and read only behind it, whether it is still kept or not (D10). */
      readonly holds?: boolean;
      /** Before, it is begun and broken off: its data ends by an error, or it is given up, or its index cut off, once all of that is there. */
      readonly breaks?: SnapshotBreak;
      /** While it streams two more are asked for, of which nothing comes. */
      readonly queues?: boolean;
    }
  | {
      readonly kind: 'install';
      /** The snapshot that is held already comes again, if there is one, with data that nobody needs. */
      readonly held?: boolean;
      /** Whether the log holds the index and term, and so keeps its entries. */
      readonly keeps: boolean;
      readonly share: number;
      readonly ahead: number;
      readonly bytes: number;
      readonly chunks: number;
      /** Issued while the data streams. */
      readonly beside?: readonly SaveOp[];
      /** Of one that replaces the log: queued behind its record, before that is durable. */
      readonly behind?: readonly SaveOp[];
    }
  /** `saves`: behind the compaction, or the first queued in front of it, with a read of all there was under way since before it. */
  | {
      readonly kind: 'compact';
      readonly share: number;
      readonly saves?: readonly SaveOp[];
      readonly isQueued?: boolean;
    }
  | { readonly kind: 'read'; readonly share: number; readonly count: number; readonly bytesMax: number }
  /** `beside`: saves, and then perhaps a compaction, behind an entry of the stream; `after` says which, left out it is the first. `chunks`: as they are read. */
  | {
      readonly kind: 'stream';
      readonly share: number;
      readonly after?: number;
      readonly chunks?: boolean;
      readonly beside?: readonly SaveOp[];
      readonly compacts?: boolean;
    }
  /** `share`: which of those kept, newest first; left out: the newest. */
  | { readonly kind: 'read-snapshot'; readonly share?: number }
  /** `saves`: still under way when the log is closed. */
  | {
      readonly kind: 'reopen';
      readonly readsAll: boolean;
      readonly saves?: readonly SaveOp[];
      /** What else is under way when the log is closed, begun so many virtual milliseconds before. */
      readonly under?: readonly UnderWay[];
      readonly gapMs?: number;
    }
  /** Readers open the store beside its writer; with saves, and before them perhaps a snapshot and a compaction, while they do. */
  | { readonly kind: 'beside'; readonly saves?: readonly SaveOp[]; readonly compacts?: boolean }
  /**
   * A clone is made of the store beside its writer, or of a checkpoint of that scope, opened, and held against the states
   * of the store; `saves` go on beside it, and before them perhaps a snapshot and a compaction. `apart`: the clone's segments
   * are in a directory of their own. `cut`: where it fails it is made again, and the power is cut once it is acknowledged.
   */
  | {
      readonly kind: 'copy';
      readonly of: CopyWay;
      readonly saves: readonly SaveOp[];
      readonly compacts: boolean;
      readonly apart?: boolean;
      readonly cut?: boolean;
      /** Left out: the same one's, of a whole cluster. */
      readonly identity?: CopyIdentity;
    }
  /**
   * In a copy of the disk that crashes here, some files go back to what the platter held `back` operations ago.
   * `share`: how many of them, 1 is all. `removes`: one of them that was not there then goes away. `stale`: the end
   * marks stay, once the newest has landed, but in the other block stands one of an earlier run, which had come further.
   * `closes`: behind the crash the copy is opened and closed, so that superblock and marks both say where the log ended.
   */
  | {
      readonly kind: 'rollback';
      readonly crash: CrashKind;
      readonly back: number;
      readonly share: number;
      readonly removes: boolean;
      readonly stale: boolean;
      readonly closes?: boolean;
    }
  /**
   * In a copy of the disk a bit of the newest snapshot, of a frame or of two is flipped, or a segment or the superblock is lost:
   * what should work does.
   */
  | { readonly kind: 'hurt'; readonly what: 'snapshot' | 'frame' | 'frames' | 'segment' | 'superblock' }
  /** Two processes open a copy of the disk at one moment, and both are granted the lock. */
  | { readonly kind: 'twins' }
  | { readonly kind: 'wait'; readonly ms: number }
  /** The lock is lost while its owner lives, and a second process opens the store. */
  | { readonly kind: 'takeover'; readonly saves: readonly SaveOp[] }
  /**
   * The directory of the store, or that of its segments alone, is moved away under its writer, and nothing, an empty directory
   * or a copy of it put in its place. `saves`: half of them under way by then. `snapshots`: one more, and a compaction.
   */
  | {
      readonly kind: 'moved';
      readonly part: MovedPart;
      readonly put: PutInPlace;
      readonly saves: readonly SaveOp[];
      readonly snapshots: boolean;
    }
  /** The disk is filled up to `freeBytes`; `saves`: one by one behind that, some of them to the last byte of a reserve. */
  | { readonly kind: 'squeeze'; readonly freeBytes: number; readonly saves?: readonly SaveOp[] }
  /** Room is there again. */
  | { readonly kind: 'release' };

export type OpKind = OpBody['kind'];

/** An operation; `id` stays when others are left out, and all that it draws comes from it. */
export type PlanOp = OpBody & {
  /** Its name in this plan. */
  readonly id: number;
};

export const CALL_CLASSES = [
  'any',
  /** What changes a byte, a size or a name, in the page cache or on the platter: between two of them nothing is at stake. */
  'change',
  'sync-or-rename',
  'sync',
  'write',
  'open',
  'name',
] as const;
/** Which calls a fault counts: a class of them, or where none has that name one call of the port. */
export type CallClass = (typeof CALL_CLASSES)[number] | CallKind;

/** Faults of the repair, and of the tries behind the crashes in it, are those of this operation's lives. */
export const REPAIR_OP = 1000;

/** A place: the `nth` call of a class, of an operation or of the nth open after a crash in it; with `of`, of the files that it fits alone. */
export interface FaultPlace {
  readonly op: number;
  /** 0: the operation itself; n: the nth open behind it. */
  readonly life: number;
  readonly on: CallClass;
  /** As of {@link CallSelector}: a plan that names the file goes on meaning the same call when the calls around it change. */
  readonly of?: string;
  readonly nth: number;
}

export const PLAN_FAULTS = [
  'kill',
  'power',
  'kill-power',
  'EIO',
  'ENOSPC',
  'EMFILE',
  'short-read',
  'short-write',
  'slow',
  'stuck',
  'eviction',
  'bit-rot',
  /** A bit flips in the newest snapshot's file, within the budget: for that an older one may stand in. */
  'snapshot-rot',
  'unreadable-sector',
  /** A sector within the budget gets the bytes of another: what a misdirected write does to its victim. */
  'misplaced-sector',
  /** Over budget: the device writes this call's bytes elsewhere. */
  'misdirected-write',
  /** Over budget: a bit flips anywhere. */
  'rot-anywhere',
] as const;
export type PlanFaultKind = (typeof PLAN_FAULTS)[number];

/** One fault at one place. */
export interface PlanFault {
  /** The place: a call of an operation, or of an open behind it. */
  readonly at: FaultPlace;
  /** What happens there. */
  readonly kind: PlanFaultKind;
  /** Of a crash: where in the call. A crash whose call never comes happens at the end of its operation. */
  readonly arg?: CrashPoint;
}

/** A run, as data: what {@link runPlan} does follows from it alone. */
export interface Plan {
  /** {@link PLAN_VERSION}. */
  readonly version: typeof PLAN_VERSION;
  /** What kind of faults there are, and so what is asked of the store. */
  readonly profile: PlanProfile;
  /** From which all that is drawn while running follows: bytes, latencies, what a crash leaves. */
  readonly seed: number;
  /** The world, and the options of the store. */
  readonly config: PlanConfig;
  /** What is done to the store, in order. */
  readonly ops: readonly PlanOp[];
  /** What befalls it, and where. */
  readonly faults: readonly PlanFault[];
}

export function isCrash(kind: PlanFaultKind): kind is CrashKind {
  return kind === 'kill' || kind === 'power' || kind === 'kill-power';
}

/** Reads a plan from JSON; throws if it is none of this version. */
export function parsePlan(text: string): Plan {
  const plan = JSON.parse(text) as Partial<Plan> | null;
  if (plan === null || typeof plan !== 'object') throw new TypeError('a plan is an object');
  if (plan.version !== PLAN_VERSION)
    throw new TypeError(`the plan is of version ${String(plan.version)}, expected ${PLAN_VERSION}`);
  if (plan.profile === undefined || !PLAN_PROFILES.includes(plan.profile))
    throw new TypeError(
      `the plan's profile is ${String(plan.profile)}, expected ${PLAN_PROFILES.join(' or ')}`,
    );
  if (typeof plan.seed !== 'number' || typeof plan.config !== 'object')
    throw new TypeError('a plan has a seed and a config');
  if (!Array.isArray(plan.ops) || !Array.isArray(plan.faults))
    throw new TypeError('a plan has lists of ops and faults');
  return plan as Plan;
}
