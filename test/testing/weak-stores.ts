import { isKeelsonError } from '../../src/errors/index.js';
import { entryChecksum } from '../../src/format/entry-checksum.js';
import type { FrameFields } from '../../src/format/frame-header.js';
import { viewOf } from '../../src/format/integers.js';
import { RAFT_RECORD_KINDS, readEntryRecord } from '../../src/format/raft-records.js';
import { putRecordHeader, readRecord, RECORD_HEADER_BYTES } from '../../src/format/record.js';
import type { Entry, RaftLog, SaveRequest, SaveResult } from '../../src/raft-log/contract.js';
import { MemoryMedium, type MemoryRecord } from '../../src/raft-log/memory/memory-frames.js';
import type { MemoryRaftLogOptions } from '../../src/raft-log/memory/memory-raft-log.js';
import type { DurableState, FrameEffect } from '../../src/raft-log/state/durable-state.js';
import type { Frame } from '../../src/wal/inside.js';
import { MemoryStore } from './memory-store.js';

/** Stores that are sound but for one weakness each, of the kinds that real stores were shipped with. */

/** What makes a store weak: a medium that keeps the wrong records, a state that changes wrongly, a log that answers wrongly. */
interface Weakness {
  readonly name: string;
  /** A case that must catch it. */
  readonly caughtBy: string;
  /** Random steps alone catch it too. */
  readonly isFoundAtRandom?: true;
  readonly options?: MemoryRaftLogOptions;
  readonly medium?: () => MemoryMedium;
  /** What a frame does to the durable state in place of what it should. */
  readonly effect?: (effect: FrameEffect, state: DurableState) => FrameEffect;
  /** What happens to the memory between two opens, also after a crash. */
  readonly onReopen?: (medium: MemoryMedium) => void;
  readonly onCrash?: (medium: MemoryMedium) => void;
  readonly log?: (log: RaftLog, medium: MemoryMedium) => RaftLog;
}

/** A sound store with one weakness in it. */
export class WeakStore extends MemoryStore {
  readonly #weakness: Weakness;

  constructor(weakness: Weakness) {
    super(weakness.options, weakness.medium);
    this.#weakness = weakness;
  }

  override async open(dir: string): Promise<RaftLog> {
    const { onReopen, effect, log: weaken } = this.#weakness;
    const before = this.media.get(dir);
    if (before !== undefined) onReopen?.(before);
    const log = await super.open(dir);
    const medium = this.media.get(dir);
    if (medium === undefined) return log;
    const { durable } = medium;
    const apply = durable.apply.bind(durable);
    if (effect !== undefined)
      durable.apply = (right) => {
        apply(effect(right, durable));
      };
    return weaken?.(log, medium) ?? log;
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
class RememberingMedium extends MemoryMedium {
  before: { readonly durable: DurableState; readonly records: readonly MemoryRecord[] } | null = null;

  override land(frame: Frame): void {
    if (frame.urgency !== 'record')
      this.before = { durable: this.durable.copy(), records: [...this.records] };
    super.land(frame);
  }
}

/** Keeps the records behind what a frame appends, where it should not. */
class KeepsSuffix extends MemoryMedium {
  readonly #isKeptBehind: (fields: FrameFields) => boolean;

  constructor(isKeptBehind: (fields: FrameFields) => boolean) {
    super();
    this.#isKeptBehind = isKeptBehind;
  }

  override land(frame: Frame): void {
    const { fields } = frame;
    const suffix = this.#isKeptBehind(fields) ? this.records.filter((one) => one.number >= fields.until) : [];
    super.land(frame);
    this.records.push(...suffix);
  }
}

class LosesKind extends MemoryMedium {
  override land(frame: Frame): void {
    super.land(frame);
    const { from, lowTerm } = frame.fields;
    this.records = this.records.map((one) =>
      one.number < from ? one : rewritten(one, lowTerm, (entry) => ({ ...entry, kind: 0 })),
    );
  }
}

/** The entry of a record, its bytes a view. */
function entryIn({ bytes }: MemoryRecord): { termDistance: number; kind: number; data: Uint8Array } {
  const record = readRecord(bytes, 0);
  const entry = record === null ? null : readEntryRecord(record);
  if (entry === null) throw new Error('a record of memory is no entry');
  return entry;
}

/** The record of another entry in the place of one, in bytes of its own. */
function rewritten(
  one: MemoryRecord,
  lowTerm: number,
  change: (entry: ReturnType<typeof entryIn>) => ReturnType<typeof entryIn>,
): MemoryRecord {
  const before = entryIn(one);
  const { termDistance, kind, data } = change(before);
  const distance = one.bytes.subarray(RECORD_HEADER_BYTES, one.bytes.length - before.data.length - 1);
  const body = Uint8Array.from([...distance, kind, ...data]);
  const checksum = entryChecksum(one.number, lowTerm + termDistance, kind, data);
  const bytes = new Uint8Array(RECORD_HEADER_BYTES + body.length);
  putRecordHeader(viewOf(bytes), 0, RAFT_RECORD_KINDS.entry, checksum, body.length);
  bytes.set(body, RECORD_HEADER_BYTES);
  return { ...one, checksum, bytes };
}

/** The effect, with the entries behind those it appends. */
function withSuffix(effect: FrameEffect, state: DurableState): FrameEffect {
  const until = effect.keepUntil + effect.entryCount;
  const own = effect.terms;
  const total = Math.max(state.lastIndex + 1 - effect.keepUntil, effect.entryCount);
  const terms = Array.from({ length: total }, (_, at) => {
    if (effect.keepUntil + at >= until) return state.term(effect.keepUntil + at);
    return typeof own === 'number' ? own : (own[at] ?? NaN);
  });
  return { ...effect, entryCount: total, terms };
}

function compactsOneTooMany(effect: FrameEffect, state: DurableState): FrameEffect {
  const { compactedTo } = effect;
  return compactedTo === undefined
    ? effect
    : { ...effect, compactedTo: Math.min(compactedTo + 1, state.lastIndex) };
}

function forgetsBoundaryTerm(effect: FrameEffect, state: DurableState): FrameEffect {
  const { compactedTo } = effect;
  if (compactedTo === undefined) return effect;
  const whole = withSuffix({ ...effect, keepUntil: compactedTo + 1 }, state);
  return { ...whole, resetTo: { index: compactedTo, term: 0 } };
}

function leavesCommitAtSnapshot(effect: FrameEffect, state: DurableState): FrameEffect {
  if (effect.snapshot === undefined) return effect;
  return { ...effect, hardState: { ...effect.hardState, commit: state.hardState.commit } };
}

function dropsHardStateBesideEntries(effect: FrameEffect): FrameEffect {
  return effect.entryCount === 0 ? effect : { ...effect, hardState: { ...effect.hardState, vote: null } };
}

/** Back to the state before the last save: it was acknowledged but never written. */
function forgetLastSave(medium: MemoryMedium): void {
  if (!(medium instanceof RememberingMedium) || medium.before === null) return;
  medium.durable = medium.before.durable;
  medium.records = [...medium.before.records];
}

/** Only its vote, or its terms, or its entries were never written. */
function forgetLastHardState(medium: MemoryMedium): void {
  if (medium instanceof RememberingMedium && medium.before !== null)
    medium.durable.hardState = medium.before.durable.hardState;
}

/** What the last save dropped from the end is back. */
function forgetTruncation(medium: MemoryMedium): void {
  if (!(medium instanceof RememberingMedium) || medium.before === null) return;
  const { durable, before } = medium;
  const { hardState, lastIndex } = durable;
  const lost = before.records.filter(({ number }) => number > lastIndex);
  const terms = lost.map(({ number }) => before.durable.term(number));
  durable.apply({ keepUntil: lastIndex + 1, entryCount: lost.length, terms, hardState });
  medium.records.push(...lost);
}

/** The record that a medium holds of an index that the log shows. */
function positionOf(medium: MemoryMedium, index: number): number {
  return index - medium.firstRecord;
}

function dropsLogAtInstall(log: RaftLog): RaftLog {
  return replace(log, {
    installSnapshot: async (request: { readonly index: number }) => {
      const meta = await log.installSnapshot(request as never);
      // What is committed stays, or the interlocks of a sound log would tell.
      if (log.hardState.commit <= meta.index) await log.truncateFrom(meta.index + 1);
      return meta;
    },
  });
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
      const at = positionOf(medium, index);
      const held = medium.records[at];
      if (held === undefined || index < log.firstIndex || index > log.lastIndex) continue;
      const lowTerm = log.term(index) - entryIn(held).termDistance;
      medium.records[at] = rewritten(held, lowTerm, (entry) => ({ ...entry, data }));
    }
    return result;
  });
}

/** Hands out its own bytes. */
function lendsItsBytes(log: RaftLog, medium: MemoryMedium): RaftLog {
  return replace(log, {
    entries: async (from: number, until: number, options?: object) => {
      const found = await log.entries(from, until, options);
      return found.map((one) => {
        const held = medium.records[positionOf(medium, one.index)];
        return held === undefined ? one : { ...one, data: entryIn(held).data };
      });
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
    isFoundAtRandom: true,
    medium: () => new RememberingMedium(),
    onReopen: forgetLastSave,
  },
  {
    name: 'acknowledges before it writes',
    caughtBy: 'crash: what was acknowledged is there',
    isFoundAtRandom: true,
    medium: () => new RememberingMedium(),
    onCrash: forgetLastSave,
  },
  {
    name: 'writes hard state later than entries',
    caughtBy: 'crash: a vote that was acknowledged',
    isFoundAtRandom: true,
    medium: () => new RememberingMedium(),
    onCrash: forgetLastHardState,
  },
  {
    name: 'truncates only in memory',
    caughtBy: 'reopen: after each kind of change',
    isFoundAtRandom: true,
    medium: () => new RememberingMedium(),
    onReopen: forgetTruncation,
  },
  {
    name: 'does not keep the vote',
    caughtBy: 'reopen: after each kind of change',
    onReopen: ({ durable }) => {
      durable.hardState = { ...durable.hardState, vote: null };
    },
  },
  {
    name: 'does not keep the snapshot',
    caughtBy: 'reopen: everything is there',
    onReopen: ({ durable }) => {
      durable.snapshotName = null;
      durable.snapshotMeta = null;
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
    isFoundAtRandom: true,
    medium: () => new KeepsSuffix(({ from, until }) => from < until),
    effect: (effect, state) => (effect.entryCount === 0 ? effect : withSuffix(effect, state)),
  },
  {
    name: 'keeps the suffix behind a foreign snapshot',
    caughtBy: 'installSnapshot: replaces a log',
    isFoundAtRandom: true,
    medium: () => new KeepsSuffix(({ resets }) => resets),
    effect: (effect, state) => (effect.resetTo === undefined ? effect : withSuffix(effect, state)),
  },
  {
    name: 'drops the entries behind a snapshot that it holds',
    caughtBy: 'installSnapshot: keeps every entry',
    isFoundAtRandom: true,
    log: dropsLogAtInstall,
  },
  {
    name: 'compacts one entry too many',
    caughtBy: 'compact: up to the snapshot',
    isFoundAtRandom: true,
    effect: compactsOneTooMany,
  },
  {
    name: 'forgets the term of the boundary',
    caughtBy: 'term: known from the boundary',
    isFoundAtRandom: true,
    effect: forgetsBoundaryTerm,
  },
  {
    name: 'loses the kind of entries',
    caughtBy: 'append: entries keep their kind',
    isFoundAtRandom: true,
    medium: () => new LosesKind(),
  },
  {
    name: 'leaves commit where it was at a snapshot',
    caughtBy: 'createSnapshot: takes its term',
    isFoundAtRandom: true,
    effect: leavesCommitAtSnapshot,
  },
  {
    name: 'drops the hard state beside entries',
    caughtBy: 'hard state: entries and vote of one save',
    isFoundAtRandom: true,
    effect: dropsHardStateBesideEntries,
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
