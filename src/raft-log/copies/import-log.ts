import { patient } from '../../disk/disk-watch.js';
import type { Environment } from '../../disk/environment.js';
import { syncNames } from '../../disk/durable-names.js';
import { holdingNames } from '../../disk/held-disk.js';
import { SNAPSHOTS_DIRECTORY_NAME } from '../../format/names.js';
import { buildClone, DirectoryInMaking, type SegmentedLog } from '../../wal/inside.js';
import { KeelsonError } from '../../errors/index.js';
import type { Entry, HardState } from '../contract.js';
import { DEFAULTS } from '../rules/options.js';
import { DurableState } from '../state/durable-state.js';
import { Refill } from '../state/refill.js';

/** Entries from there on were dropped. */
export interface ForeignCut {
  readonly truncateFrom: number;
}

/** The log of another program, as it was read and verified. */
export interface ForeignLog {
  /** Where it begins: the entry in front of its first, and that one's term. */
  readonly boundary: { readonly index: number; readonly term: number };
  /**
   * In the order in which they were written: one whose index is there already replaces it and all behind it, and so does a
   * cut, which puts nothing in its place.
   */
  entries(): AsyncIterable<Entry | ForeignCut>;
  /** As it was at the end; asked for once all entries were read. */
  end(): {
    readonly hardState: HardState;
    readonly unfitUntil: number;
    /** The small values. */
    readonly stable: Readonly<Record<string, Uint8Array>>;
  };
}

/** What an import has made. */
export interface ImportedLog {
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly hardState: HardState;
  readonly unfitUntil: number;
}

const FRAME_BYTES = 1024 * 1024;

/** Makes a store of a foreign log at `to`, as a clone is made: whole or none. */
export async function importLog(
  asked: Environment,
  to: string,
  what: string,
  foreign: ForeignLog,
): Promise<ImportedLog> {
  const environment = holdingNames(patient(asked));
  return DirectoryInMaking.whole([environment.disk, to, what], async (making) => {
    await syncNames(environment.disk, await making.makeInner(SNAPSHOTS_DIRECTORY_NAME));
    const { boundary } = foreign;
    const layer = new DurableState(null);
    const empty = new DurableState(null);
    empty.beginAt(boundary);
    await buildClone(environment, making, {
      layer,
      segmentBytes: DEFAULTS.segmentBytes,
      lineage: null,
      origin: 'made',
      epoch: 1,
      above: { lsn: 0, segment: 0 },
      end: { lastIndex: boundary.index, lastTerm: boundary.term },
      begin: () => Promise.resolve(empty.preambleState()),
      fill: (log) => fill(log, layer, foreign),
    });
    const { firstIndex, lastIndex, hardState, unfitUntil } = layer;
    return { firstIndex, lastIndex, hardState, unfitUntil };
  });
}

async function fill(log: SegmentedLog, durable: DurableState, foreign: ForeignLog): Promise<void> {
  const into = new Refill(log, durable, FRAME_BYTES);
  const { accepted } = into;
  for await (const entry of foreign.entries()) {
    if (!('truncateFrom' in entry)) {
      const saved = into.add(entry);
      if (saved !== undefined) await saved;
      continue;
    }
    await into.flush();
    const truncateFrom = Math.max(entry.truncateFrom, foreign.boundary.index + 1);
    if (entry.truncateFrom <= accepted.lastIndex) await into.save({ truncateFrom });
  }
  await into.flush();
  const { hardState, unfitUntil, stable } = foreign.end();
  if (hardState.commit > accepted.lastIndex) throw beyondEnd(hardState.commit, accepted.lastIndex);
  await into.save({ hardState, ...(Object.keys(stable).length > 0 ? { stable } : {}) });
  if (unfitUntil === 0) return;
  // In two preambles, so that no one file is the only one that knows it.
  durable.unfitUntil = unfitUntil;
  await log.beginSegment();
  await log.beginSegment();
}

function beyondEnd(found: number, expected: number): KeelsonError {
  return new KeelsonError(
    'KEELSON_LOG_GAP',
    `what is imported says that entries up to ${found} are committed, and holds entries up to ${expected}: some are missing. Nothing was imported. Import the log of another member.`,
    { found, expected },
  );
}
