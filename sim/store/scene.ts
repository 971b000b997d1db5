import type { Entry, RaftLog } from '../../src/raft-log/contract.js';
import {
  MARKS_NAME,
  QUARANTINE_DIRECTORY_NAME,
  SNAPSHOTS_DIRECTORY_NAME,
  SUPERBLOCK_NAME,
} from '../../src/format/names.js';
import type { CallKind } from '../disk/calls/call-kinds.js';
import type { CallNotice } from '../disk/calls/calls-to-come.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import type { SimulatedProcess } from '../disk/simulated-process.js';
import { AllowedStates } from '../oracle/allowed-states.js';
import { Finding, type FindingFacts } from '../oracle/finding.js';
import type { ModelEntry } from '../oracle/log-state.js';
import { copyTooEarly, type OrderScene, tooEarly } from '../oracle/order-watch.js';
import { changeBehindSuccessor, type WriterPlaces, WriterWatch } from '../oracle/writer-watch.js';
import type { Heard } from './heard.js';
import type { FaultsToCome } from '../plan/faults-to-come.js';
import type { CopyIdentity, Plan } from '../plan/plan.js';
import { Moments } from './moments.js';
import { newReach, type Reach } from './reach.js';

/** The directory of the store, until it is moved; its parent is there from the start. */
export const STORE_DIR = '/data/log';
/** Where it is moved to, and from there back again. */
export const MOVED_DIR = '/data/moved';
/** Where the segments are, if they live on their own. */
export const SEPARATE_WAL_DIR = '/data/wal';

/** More room than any scenario takes. */
const ROOMY_BYTES = 2 ** 30;

/** At most, of a record that may use a reserve, but for small values: it has a vote, a boundary or a snapshot's name. */
const CONTROL_BYTES = 170;

/** Virtual milliseconds from a try to make a segment to the next. */
const RETRY_MS = 1000;

/** Virtual milliseconds that an operation may take; a stuck call takes ten minutes. */
const PATIENCE_MS = 6 * 3_600_000;

/** The calls that can be too early, or another's to make: most calls are none of them. */
const GUARDED: ReadonlySet<CallKind> = new Set<CallKind>(['write', 'rename', 'link', 'unlink']);

/** How waiting for something ended. */
export type Waited<T> = { readonly crashed: false; readonly value: T } | { readonly crashed: true };

/** What was put where a store, or its directory of segments, was moved away from. */
export interface OtherStore {
  readonly path: string;
  /** What stood there then: not a byte of it is the writer's. */
  readonly lines: readonly string[];
  /** The directory of segments, while it alone is away. */
  readonly segmentsAt: string | null;
}

/** Paths of a store that stands in `dir`. */
interface Places extends WriterPlaces {
  readonly dir: string;
  readonly quarantine: string;
}

/** One store in its world, and what is known of it outside: all that the parts of a run share. */
export class Scene {
  readonly plan: Plan;
  readonly disk: SimulatedDisk;
  readonly faults: FaultsToCome;
  readonly allowed: AllowedStates = new AllowedStates();
  readonly reach: Reach = newReach();
  readonly moments: Moments;
  process: SimulatedProcess;
  /** Null while none is open. */
  log: RaftLog | null = null;
  /** An open has resolved: the store may never be gone again. */
  wasOpened = false;
  /** Snapshots (`index/term`) whose data some open has shown whole. */
  readonly readSnapshots: Set<string> = new Set<string>();
  /** Overwrites that were cut short before the last open. */
  cutShortBefore = 0;
  /** The disk was filled up, and not released since. */
  isFull = false;
  /** The operation under way, for the reader of a failure. */
  by = 'the first open';
  /** What the store is asked to do: the order of its calls depends on it. */
  doing: OrderScene['doing'] = 'opening';
  /** A process that was replaced, and has nothing under way but what it is asked from now on. */
  replaced: number | null = null;
  /** A process lost its lock while it lived, so some other may be told that it was replaced. */
  hasLostLock = false;
  /** Where the store stands. */
  dir: string = STORE_DIR;
  /** What stands where the store, which its writer still has open, was moved away from; null while all is in its place. */
  other: OtherStore | null = null;
  /**
   * A copy is being made, or was when a crash came: what it left is judged before another operation. Made: it was
   * acknowledged. Used: it has gone on by itself since. `dir`: where a clone is made; `walDir`: where its segments are, if
   * not inside it.
   */
  copy: {
    stage: 'begun' | 'made' | 'used';
    readonly dir: string;
    readonly walDir: string | null;
    readonly identity: CopyIdentity;
    /** Where it was begun, among all that was ever promised. */
    since: number;
  } | null = null;
  /** Somebody else reads the files of the log that is open. */
  isReadBeside = false;
  /** Entries that were read out of the queue, and what they were then. */
  handedOut: { readonly read: readonly Entry[]; readonly entries: readonly ModelEntry[] } | null = null;
  /** By the events of the log that is open, the last of each kind. */
  readonly told = { compactedTo: -1, snapshotAt: -1, installedAt: -1 };
  /** By its events, of each log. */
  readonly heard: WeakMap<RaftLog, Heard> = new WeakMap<RaftLog, Heard>();
  /** Damage was named: nothing more can be asked of this store. */
  hasEnded = false;
  #lackedRoomAtMs = -Infinity;
  /** Of all records that may use a reserve, and of those which used none of what there is now. */
  #controlBytes = 0;
  #bytesInFront = 0;
  /** Of the save acknowledged last, by log. */
  readonly #lsns = new WeakMap<RaftLog, number>();
  readonly #watch = new WriterWatch();
  #finding: Error | null = null;
  #places: Places | null = null;

  constructor(plan: Plan, disk: SimulatedDisk, faults: FaultsToCome) {
    this.plan = plan;
    this.disk = disk;
    this.faults = faults;
    this.moments = new Moments(plan.ops);
    this.process = disk.process;
    faults.guard = (call) => {
      this.#guard(call);
    };
  }

  /** What each call is held against, named once for each place of the store. */
  get #placesNow(): Places {
    const { dir } = this;
    if (this.#places?.dir === dir) return this.#places;
    const { walDir, snapshots } = this;
    const [superblock, marks] = [`${dir}/${SUPERBLOCK_NAME}`, `${dir}/${MARKS_NAME}`];
    const quarantine = `${dir}/${QUARANTINE_DIRECTORY_NAME}`;
    this.#places = { dir, superblock, marks, walDir, snapshots, quarantine };
    return this.#places;
  }

  /** Where the segments are; null: inside the store, where {@link walDir} says. */
  get separateWalDir(): string | null {
    return this.plan.config.walDirIsSeparate ? SEPARATE_WAL_DIR : null;
  }

  get walDir(): string {
    return this.separateWalDir ?? `${this.dir}/wal`;
  }

  get snapshots(): string {
    return `${this.dir}/${SNAPSHOTS_DIRECTORY_NAME}`;
  }

  /** The open log; only to be asked for where one is open. */
  get openLog(): RaftLog {
    if (this.log === null) throw new Error('no log is open');
    return this.log;
  }

  /** An error of the environment has a cause that the injector knows of. */
  get hasCause(): boolean {
    const { failures, damage, overBudget } = this.faults.suffered;
    return failures + damage + overBudget > 0;
  }

  /** Here every overwrite needs room, so that the reserve promises nothing (D7), and an open may be refused. */
  get lacksRoomForCopies(): boolean {
    return this.isFull && this.disk.profile.copiesOnWrite;
  }

  /** Since the last open, a part of a write over something found room, and the rest did not. */
  get wasCutShort(): boolean {
    return this.disk.counters['overwrite-cut-short'] > this.cutShortBefore;
  }

  /** What went wrong since the last open is a lack of descriptors, and nothing else. */
  get hasOnlyShortages(): boolean {
    const { failures, shortages } = this.faults.suffered;
    if (this.isDamaged || this.hasLostLock || this.other !== null) return false;
    return shortages > 0 && failures === shortages;
  }

  get isDamaged(): boolean {
    const { damage, overBudget } = this.faults.suffered;
    return damage + overBudget > 0;
  }

  get isOverBudget(): boolean {
    return this.faults.suffered.overBudget > 0;
  }

  /** Keeps the first broken promise, from wherever it was noticed; {@link throwIfFound} ends the run with it. */
  found(error: unknown): void {
    this.#finding ??= error instanceof Error ? error : new Error(String(error));
  }

  throwIfFound(): void {
    if (this.#finding !== null) throw this.#finding;
  }

  /** Waits for work of the present process until that has died, or until it took longer than anything may. */
  async orDied<T>(work: Promise<T>): Promise<Waited<T>> {
    const { process } = this;
    let stuck!: () => void;
    const limit = new Promise<'stuck'>((resolve) => {
      stuck = () => {
        resolve('stuck');
      };
    });
    const timer = this.disk.queue.timer(PATIENCE_MS, stuck);
    const done = work.then((value) => ({ crashed: false, value }) as const);
    const died = process.died.then(() => ({ crashed: true }) as const);
    try {
      const outcome = await Promise.race([done, died, limit]);
      if (outcome !== 'stuck') return process.isAlive ? outcome : { crashed: true };
    } finally {
      timer.cancel();
    }
    throw new Finding({
      oracle: 'stuck',
      what: `${this.by} did not end within ${PATIENCE_MS / 3_600_000} hours`,
    });
  }

  /** An LSN numbers a record: that of a save is above the one before it by what it wrote, and never falls back (D4, R4). */
  noteLsn(log: RaftLog, lsn: number, records: number): void {
    const before = this.#lsns.get(log) ?? log.recovery.lastLsn;
    this.#lsns.set(log, lsn);
    if (lsn >= before + records) return;
    const what = `${this.by} resolved to LSN ${lsn}, ${records} records behind LSN ${before}`;
    this.found(new Finding({ oracle: 'acknowledgement', what }));
  }

  /** As docs/reliability.md tells it: what saves without entries may use at the end of a segment. */
  get #reserveBytes(): number {
    return Math.max(1024, Math.floor(this.plan.config.segmentBytes / 8)) - 512;
  }

  /** Notes a record that may use the reserve; true if the reserve has room for it, and the disk has none (D7). */
  noteControl(valueBytes: number): boolean {
    this.#controlBytes += CONTROL_BYTES + valueBytes;
    return this.isFull && this.#controlBytes - this.#bytesInFront <= this.#reserveBytes;
  }

  /** Entries are taken in front of the reserve alone: once these are saved, so is all that was queued before them. */
  noteEntries(): () => void {
    const before = this.#controlBytes;
    return () => (this.#bytesInFront = Math.max(this.#bytesInFront, before));
  }

  /** A new segment has a reserve of its own; until then what used the old one's has used it, room or not. */
  noteRotation(): void {
    this.#bytesInFront = this.#controlBytes;
  }

  /** Leaves so many bytes free on the disk. */
  squeeze(freeBytes: number): void {
    const { fs } = this.disk;
    this.#setCapacity(fs.profile.capacityBytes - fs.freeBytes + freeBytes);
    this.isFull = true;
  }

  release(): void {
    this.#setCapacity(ROOMY_BYTES);
    if (this.isFull) this.#lackedRoomAtMs = this.disk.queue.nowMs;
    this.isFull = false;
  }

  /** Room came back a moment ago: a try to make a segment that failed shortly before is believed for so long. */
  get hadNoRoom(): boolean {
    return this.disk.queue.nowMs < this.#lackedRoomAtMs + RETRY_MS;
  }

  /** Holds each call against what must be on the platter before it, while one writer has one undamaged store. */
  #guard(call: CallNotice): void {
    const { doing } = this;
    const places = this.#placesNow;
    const isLook = call.kind === 'read' && call.path === places.superblock;
    if (!isLook && !GUARDED.has(call.kind)) return;
    const facts = this.#misconduct(call, places);
    if (facts !== null) this.found(new Finding({ ...facts, what: `${this.by}: ${facts.what}` }));
    if (isLook || this.hasLostLock || this.other !== null || this.isOverBudget) return;
    if (this.isDamaged !== (doing === 'repairing')) return;
    const inCopy = this.copy === null ? null : copyTooEarly(this.disk.fs, call, this.copy);
    const what =
      inCopy ??
      tooEarly(this.disk.fs, call, {
        superblock: places.superblock,
        walDir: places.walDir,
        snapshots: places.snapshots,
        quarantine: places.quarantine,
        doing: doing === 'opening' && !this.wasOpened ? 'making' : doing,
        mayLackCopy: this.isFull || this.faults.suffered.failures > 0,
        isReadBeside: this.isReadBeside || this.copy !== null,
      });
    if (what !== null) this.found(new Finding({ oracle: 'too-early', what: `${this.by}: ${what}` }));
  }

  #misconduct(call: CallNotice, places: WriterPlaces): FindingFacts | null {
    const { processId } = call;
    if (this.replaced === processId) return changeBehindSuccessor(call, places);
    const isWriting = this.doing === 'writing';
    if (!isWriting && this.doing !== 'opening') return null;
    const hasLatched = isWriting && this.log?.status === 'failed' && this.process.id === processId;
    return hasLatched ? this.#watch.behindLatch(call, places) : this.#watch.unlooked(call, places);
  }

  #setCapacity(bytes: number): void {
    // To everyone else the size of a disk stands; only the world itself makes it larger or smaller.
    (this.disk.fs.profile as { capacityBytes: number }).capacityBytes = bytes;
  }
}
