import { isKeelsonError } from '../../src/errors/index.js';
import type { Entry, RaftLog, SaveRequest, SaveResult } from '../../src/raft-log/contract.js';
import type { SavePlan } from '../../src/raft-log/rules/judge-save.js';
import type { SnapshotPlan } from '../../src/raft-log/rules/judge-snapshot.js';
import type { MemoryMedium } from '../../src/raft-log/memory/memory-queue.js';
import type { MemoryRaftLogOptions } from '../../src/raft-log/memory/memory-raft-log.js';
import { MemoryState, type HeldEntry, type HeldSnapshot } from '../../src/raft-log/memory/memory-state.js';
import { MemoryStore } from './memory-store.js';

/** Stores that are sound but for one weakness each, of the kinds that real stores were shipped with. */

/** What makes a store weak: a state that changes wrongly, a log that answers wrongly, or both. */
interface Weakness {
  readonly name: string;
  /** A case that must catch it. */
  readonly caughtBy: string;
  readonly options?: MemoryRaftLogOptions;
  readonly state?: () => MemoryState;
  /** What happens to the memory between two opens, also after a crash. */
  readonly onReopen?: (medium: MemoryMedium) => void;
  readonly onCrash?: (medium: MemoryMedium) => void;
  readonly log?: (log: RaftLog, medium: MemoryMedium) => RaftLog;
}

/** A sound store with one weakness in it. */
export class WeakStore extends MemoryStore {
  readonly #weakness: Weakness;

  constructor(weakness: Weakness) {
    super(weakness.options, weakness.state);
    this.#weakness = weakness;
  }

  override async open(dir: string): Promise<RaftLog> {
    const before = this.media.get(dir);
    if (before !== undefined) this.#weakness.onReopen?.(before);
    const log = await super.open(dir);
    const medium = this.media.get(dir);
    return medium === undefined ? log : (this.#weakness.log?.(log, medium) ?? log);
  }

  override async crash(): Promise<void> {
    await super.crash();
    for (const medium of this.media.values()) this.#weakness.onCrash?.(medium);
  }
}

/** The log, with some of its members replaced. */
function replace(log: RaftLog, members: Partial<Record<keyof RaftLog, unknown>>): RaftLog {
  return new Proxy(log, {
    get: (target, name) => {
      const replaced = Object.getOwnPropertyDescriptor(members, name);
      if (replaced !== undefined)
        return replaced.get === undefined
          ? (replaced.value as unknown)
          : (replaced.get.call(members) as unknown);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** The log, with `save` and so all of its short forms replaced. */
function withSave(log: RaftLog, save: (request: SaveRequest) => Promise<SaveResult>): RaftLog {
  return replace(log, {
    save,
    append: (entries: readonly Entry[]) => save({ entries: entries ?? null }),
    setHardState: (hardState: object) => save({ hardState: hardState ?? null }),
    truncateFrom: (truncateFrom: number) => save({ truncateFrom: truncateFrom ?? null }),
  });
}

/** Remembers itself as it was before its last save. */
class RememberingState extends MemoryState {
  before: MemoryState | null = null;
  override fresh(): MemoryState {
    return new RememberingState();
  }
  override applySave(plan: SavePlan, entries: readonly HeldEntry[]): number {
    this.before = this.clone();
    return super.applySave(plan, entries);
  }
  override clone(): MemoryState {
    const copy = super.clone();
    if (copy instanceof RememberingState) copy.before = this.before;
    return copy;
  }
}

class KeepsSuffixOfConflict extends MemoryState {
  override fresh(): MemoryState {
    return new KeepsSuffixOfConflict();
  }
  override applySave(plan: SavePlan, entries: readonly HeldEntry[]): number {
    const suffix = entries.length === 0 ? [] : this.entries.filter(({ index }) => index > plan.lastIndex);
    super.applySave(plan, entries);
    this.entries.push(...suffix);
    return 0;
  }
}

class KeepsSuffixOfInstall extends MemoryState {
  override fresh(): MemoryState {
    return new KeepsSuffixOfInstall();
  }
  override applySnapshot(plan: SnapshotPlan, held: HeldSnapshot): number {
    const suffix = plan.keepsLog ? [] : this.entries.filter(({ index }) => index > plan.index);
    super.applySnapshot(plan, held);
    this.entries.push(...suffix);
    return 0;
  }
}

class DropsLogAtInstall extends MemoryState {
  override fresh(): MemoryState {
    return new DropsLogAtInstall();
  }
  override applySnapshot(plan: SnapshotPlan, held: HeldSnapshot): number {
    const isOwn = plan.index < this.lastIndex && this.hardState.commit >= plan.index;
    return super.applySnapshot(isOwn ? plan : { ...plan, keepsLog: false }, held);
  }
}

class CompactsOneTooMany extends MemoryState {
  override fresh(): MemoryState {
    return new CompactsOneTooMany();
  }
  override applyCompaction(firstIndex: number): number {
    return super.applyCompaction(Math.min(firstIndex + 1, this.lastIndex + 1));
  }
}

class ForgetsBoundaryTerm extends MemoryState {
  override fresh(): MemoryState {
    return new ForgetsBoundaryTerm();
  }
  override applyCompaction(firstIndex: number): number {
    const bytes = super.applyCompaction(firstIndex);
    this.boundary = { index: firstIndex - 1, term: 0 };
    return bytes;
  }
}

class LosesKind extends MemoryState {
  override fresh(): MemoryState {
    return new LosesKind();
  }
  override applySave(plan: SavePlan, entries: readonly HeldEntry[]): number {
    return super.applySave(
      plan,
      entries.map((one) => ({ ...one, kind: 0 })),
    );
  }
}

class LeavesCommitAtSnapshot extends MemoryState {
  override fresh(): MemoryState {
    return new LeavesCommitAtSnapshot();
  }
  override applySnapshot(plan: SnapshotPlan, held: HeldSnapshot): number {
    return super.applySnapshot(
      { ...plan, hardState: { ...plan.hardState, commit: this.hardState.commit } },
      held,
    );
  }
}

class DropsHardStateBesideEntries extends MemoryState {
  override fresh(): MemoryState {
    return new DropsHardStateBesideEntries();
  }
  override applySave(plan: SavePlan, entries: readonly HeldEntry[]): number {
    const vote = entries.length > 0 ? null : plan.hardState.vote;
    return super.applySave({ ...plan, hardState: { ...plan.hardState, vote } }, entries);
  }
}

/** Back to the state before the last save: it was acknowledged but never written. */
function forgetLastSave(medium: MemoryMedium): void {
  if (medium.state instanceof RememberingState && medium.state.before !== null)
    medium.state = medium.state.before;
}

/** Only its vote, or its terms, or its entries were never written. */
function forgetLastHardState(medium: MemoryMedium): void {
  if (medium.state instanceof RememberingState && medium.state.before !== null) {
    medium.state.hardState = medium.state.before.hardState;
  }
}

/** What the last save dropped from the end is back. */
function forgetTruncation(medium: MemoryMedium): void {
  const { state } = medium;
  if (!(state instanceof RememberingState) || state.before === null) return;
  state.entries.push(...state.before.entries.filter(({ index }) => index > state.lastIndex));
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
}

function acksOutOfOrder(log: RaftLog): RaftLog {
  let saves = 0;
  return withSave(log, async (request) => {
    saves += 1;
    const isSlow = saves % 2 === 0;
    const result = await log.save(request);
    if (isSlow) await turns(20);
    return result;
  });
}

/** Keeps the caller's buffer instead of its bytes. */
function keepsCallersBuffer(log: RaftLog, medium: MemoryMedium): RaftLog {
  return withSave(log, async (request) => {
    const entries = [...(request.entries ?? [])];
    const result = await log.save(request);
    for (const { index, data } of entries) {
      const held = index >= log.firstIndex && index <= log.lastIndex ? medium.state.at(index) : null;
      if (held?.data.length === data.length) held.data.set(data);
    }
    return result;
  });
}

/** Hands out its own bytes. */
function lendsItsBytes(log: RaftLog, medium: MemoryMedium): RaftLog {
  return replace(log, {
    entries: async (from: number, until: number, options?: object) => {
      const found = await log.entries(from, until, options);
      return found.map((one) => ({ ...one, data: medium.state.at(one.index).data }));
    },
  });
}

function truncatesAtStaleAppend(log: RaftLog): RaftLog {
  return withSave(log, (request) => {
    const last = request?.entries?.at?.(-1);
    if (last === undefined || last === null || request.truncateFrom !== undefined) return log.save(request);
    const from = Math.max(last.index + 1, log.accepted.hardState.commit + 1);
    return log.save(from <= log.accepted.lastIndex ? { ...request, truncateFrom: from } : request);
  });
}

function swallowsGaps(log: RaftLog): RaftLog {
  return withSave(log, (request) =>
    log.save(request).catch((error: unknown) => {
      if (isKeelsonError(error, 'KEELSON_INDEX_GAP')) return { lsn: 0, lastIndex: log.lastIndex };
      throw error;
    }),
  );
}

function acksEmptySavesAtOnce(log: RaftLog): RaftLog {
  return withSave(log, (request) =>
    Object.keys(request ?? { none: 0 }).length === 0 && log.status === 'open'
      ? Promise.resolve({ lsn: 0, lastIndex: log.lastIndex })
      : log.save(request),
  );
}

function showsWhatIsQueued(log: RaftLog): RaftLog {
  return replace(log, {
    get lastIndex() {
      return log.accepted.lastIndex;
    },
  });
}

function passesBytesMax(log: RaftLog): RaftLog {
  return replace(log, {
    entries: (from: number, until: number, options?: { bytesMax?: number }) =>
      log.entries(
        from,
        until,
        options?.bytesMax === undefined ? options : { bytesMax: options.bytesMax + 1 },
      ),
  });
}

function answersAfterClose(log: RaftLog): RaftLog {
  return replace(log, {
    openSnapshot: () => (log.status === 'closed' ? Promise.resolve(null) : log.openSnapshot()),
  });
}

function throwsInsteadOfRejecting(log: RaftLog): RaftLog {
  return withSave(log, (request) => {
    if (Number.isNaN(request?.truncateFrom)) throw new TypeError('not a number');
    return log.save(request);
  });
}

/** The weaknesses, and a case that must catch each. */
export const WEAKNESSES: readonly Weakness[] = [
  {
    name: 'loses the last save when it is reopened',
    caughtBy: 'reopen: after each kind of change',
    state: () => new RememberingState(),
    onReopen: forgetLastSave,
  },
  {
    name: 'acknowledges before it writes',
    caughtBy: 'crash: what was acknowledged is there',
    state: () => new RememberingState(),
    onCrash: forgetLastSave,
  },
  {
    name: 'writes hard state later than entries',
    caughtBy: 'crash: a vote that was acknowledged',
    state: () => new RememberingState(),
    onCrash: forgetLastHardState,
  },
  {
    name: 'truncates only in memory',
    caughtBy: 'reopen: after each kind of change',
    state: () => new RememberingState(),
    onReopen: forgetTruncation,
  },
  {
    name: 'does not keep the vote',
    caughtBy: 'reopen: after each kind of change',
    onReopen: ({ state }) => {
      state.hardState = { ...state.hardState, vote: null };
    },
  },
  {
    name: 'does not keep the snapshot',
    caughtBy: 'reopen: everything is there',
    onReopen: ({ state }) => {
      state.heldSnapshot = null;
    },
  },
  {
    name: 'counts LSNs from 0 again',
    caughtBy: 'reopen: an LSN is never given twice',
    onReopen: (medium) => {
      medium.lastLsn = 0;
    },
  },
  {
    name: 'keeps the suffix behind a conflict',
    caughtBy: 'append: what is held is skipped',
    state: () => new KeepsSuffixOfConflict(),
  },
  {
    name: 'keeps the suffix behind a foreign snapshot',
    caughtBy: 'installSnapshot: replaces a log',
    state: () => new KeepsSuffixOfInstall(),
  },
  {
    name: 'drops the entries behind a snapshot that it holds',
    caughtBy: 'installSnapshot: keeps every entry',
    state: () => new DropsLogAtInstall(),
  },
  {
    name: 'compacts one entry too many',
    caughtBy: 'compact: up to the snapshot',
    state: () => new CompactsOneTooMany(),
  },
  {
    name: 'forgets the term of the boundary',
    caughtBy: 'term: known from the boundary',
    state: () => new ForgetsBoundaryTerm(),
  },
  {
    name: 'loses the kind of entries',
    caughtBy: 'append: entries keep their kind',
    state: () => new LosesKind(),
  },
  {
    name: 'leaves commit where it was at a snapshot',
    caughtBy: 'createSnapshot: takes its term',
    state: () => new LeavesCommitAtSnapshot(),
  },
  {
    name: 'drops the hard state beside entries',
    caughtBy: 'hard state: entries and vote of one save',
    state: () => new DropsHardStateBesideEntries(),
  },
  { name: 'has no interlocks', caughtBy: 'the interlocks refuse', options: { checks: 'off' } },
  { name: 'acknowledges out of order', caughtBy: 'order: overlapping saves', log: acksOutOfOrder },
  { name: 'keeps the caller’s buffer', caughtBy: 'bytes: the caller may reuse', log: keepsCallersBuffer },
  { name: 'hands out its own bytes', caughtBy: 'bytes: what reads return', log: lendsItsBytes },
  { name: 'truncates at a stale append', caughtBy: 'append: a stale, repeated', log: truncatesAtStaleAppend },
  { name: 'swallows gaps', caughtBy: 'append: a gap is refused', log: swallowsGaps },
  {
    name: 'acknowledges a save of nothing at once',
    caughtBy: 'order: a save of nothing',
    log: acksEmptySavesAtOnce,
  },
  { name: 'shows what is only queued', caughtBy: 'order: the durable view', log: showsWhatIsQueued },
  { name: 'passes bytesMax by a byte', caughtBy: 'entries: bytesMax', log: passesBytesMax },
  { name: 'answers after close', caughtBy: 'close: waits', log: answersAfterClose },
  { name: 'throws instead of rejecting', caughtBy: 'wrong arguments', log: throwsInsteadOfRejecting },
];
