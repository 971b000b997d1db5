import type { Disk } from '../../disk/port.js';
import { encodeRaftPreamble } from '../../format/raft-records.js';
import { NO_VALUES } from '../../format/stable-values.js';
import type { SegmentedLog, StoreUnderRepair } from '../../wal/inside.js';
import { DEFAULTS } from '../rules/options.js';
import type { Entry } from '../contract.js';
import { DurableState } from '../state/durable-state.js';
import { decodeEntries } from '../read/decode-entries.js';
import { EntryReader } from '../read/entry-reader.js';
import { refill } from '../state/refill.js';
import type { PastHoles, LogPiece } from './log-piece.js';
import type { InnerPlan } from './repair-plan.js';
import type { LogSurvey } from './survey-log.js';

/**
 * Writes what a plan keeps into new segments beside the old ones, above every LSN and segment number seen, and puts them in
 * their place. Returns where the old ones are, and `others` that go with them.
 */
export async function rebuildLog(
  repaired: StoreUnderRepair,
  survey: LogSurvey,
  { plan, piece, boundary }: InnerPlan,
  epoch: number,
  others: readonly string[],
): Promise<readonly string[]> {
  const { store } = survey;
  const { result } = plan;
  if (result === null) throw new RangeError('there is nothing to build');
  const { hardState, snapshot, unfitUntil } = result;
  const stable = piece?.state.stable ?? NO_VALUES;
  const layer = new DurableState(null);
  const segmentBytes = segmentBytesOf(survey);
  const replacement = {
    lineage: store.lineage,
    above: { lsn: store.highestLsn, segment: store.highestSegment },
    end: { lastIndex: boundary.index, lastTerm: boundary.term },
    begin: () => Promise.resolve(encodeRaftPreamble({ hardState, snapshot, boundary, unfitUntil, stable })),
    fill: async (log: SegmentedLog) => {
      if (piece === null) return;
      const chunks = entriesOf(repaired, survey, piece, boundary.index + 1, result.lastIndex + 1);
      await refill(log, layer, segmentBytes, chunks);
    },
  };
  const old = { lineage: store.lineage, first: store.range.first, highest: store.highestSegment };
  return repaired.replaceLog(old, { epoch, segmentBytes, layer, replacement }, others);
}

function segmentBytesOf({ store }: LogSurvey): number {
  const smallest = store.segments.reduce(
    (bytes, { header }) => Math.min(bytes, header?.segmentBytes ?? Infinity),
    Infinity,
  );
  return smallest === Infinity ? DEFAULTS.segmentBytes : smallest;
}

/** A stretch that is kept from a snapshot on may begin behind its own boundary: what lies below is covered. */
class StretchState extends DurableState {
  readonly #coveredUntil: number;

  constructor(coveredUntil: number) {
    super(null);
    this.#coveredUntil = coveredUntil;
  }

  override boundary(): number {
    return Math.max(super.boundary(), this.#coveredUntil);
  }

  override judged(): Promise<void> {
    // The plan has judged what joins what; what it keeps is read entry by entry.
    return Promise.resolve();
  }
}

/** Entries `[from, until)` of a stretch: those in front of its last hole, those behind that, and those it went on with. */
async function* entriesOf(
  old: StoreUnderRepair,
  survey: LogSurvey,
  piece: LogPiece,
  from: number,
  until: number,
): AsyncGenerator<readonly Entry[], void, undefined> {
  const { past, state } = piece;
  if (past === null) return yield* entriesUpToHole(old, survey, piece, from, until);
  const thenFrom = Math.max(from, Math.min(until, past.then?.known ?? until));
  const pastFrom = Math.max(from, Math.min(thenFrom, past.records.lowest));
  yield* entriesOf(old, survey, past.before, from, pastFrom);
  if (pastFrom < thenFrom) yield* entriesPast(old.environment.disk, past, state, pastFrom, thenFrom);
  if (past.then !== null) yield* entriesUpToHole(old, survey, past.then, thenFrom, until);
}

/** Entries `[from, until)` of a stretch up to the first hole. */
async function* entriesUpToHole(
  old: StoreUnderRepair,
  survey: LogSurvey,
  piece: LogPiece,
  from: number,
  until: number,
): AsyncGenerator<readonly Entry[], void, undefined> {
  if (from >= until) return;
  const durable = new StretchState(from - 1);
  const { store } = survey;
  const { fromSegment, toSegment, lastLsn } = piece;
  const { lineage, superblock } = store;
  const stretch = { lineage, superblock, fromSegment, toSegment, lastLsn };
  const log = await old.openStretch(stretch, durable);
  try {
    const reader = new EntryReader(log, durable, survey.paths.dir);
    yield* reader.chunks({ from, until, bytesMax: Infinity, signal: undefined });
  } finally {
    await log.close();
  }
}

/** Entries `[from, until)` behind the hole that a stretch goes on past, each by its own checksum. */
async function* entriesPast(
  disk: Disk,
  { path, records }: PastHoles,
  state: DurableState,
  from: number,
  until: number,
): AsyncGenerator<readonly Entry[], void, undefined> {
  for await (const region of records.read(disk, path, from, until))
    yield decodeEntries(region, Float64Array.of(region.from, state.term(region.from)));
}
