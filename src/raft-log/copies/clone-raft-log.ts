import { patient } from '../../disk/disk-watch.js';
import { syncNames } from '../../disk/durable-names.js';
import { holdingNames, type HeldEnvironment } from '../../disk/held-disk.js';
import { nodeEnvironment } from '../../disk/node-environment.js';
import { SNAPSHOTS_DIRECTORY_NAME } from '../../format/names.js';
import { buildClone, DirectoryInMaking } from '../../wal/inside.js';
import { giveUpVotes } from '../rules/give-up-votes.js';
import { DurableState } from '../state/durable-state.js';
import { ownMeta } from '../state/own-copies.js';
import { refill } from '../state/refill.js';
import type { CloneOptions, CloneReport } from './copies-contract.js';
import { readCloneOptions, type GivenClone } from './copy-requests.js';
import { replacedMeanwhile, withSource, type CopySource } from './source.js';

/**
 * How far its epochs may lie above the source's: a number that is drawn, so that what the source writes after it was opened
 * again, or another clone of it, never bears a number (epoch, LSN) that this one uses too.
 */
const EPOCHS_APART = 65_536;

/**
 * Makes a new store of another one, or of a checkpoint, while the source may be written: the clone equals the source at one
 * LSN, then goes on by itself. Every entry is read, held against its checksum and written again, above every LSN, epoch and
 * segment number of the source; the snapshot is linked where the file system can. The source is not locked and not changed.
 *
 * Resolved: the clone is durable. A crash inside leaves no store at `to`; the same call makes it again.
 *
 * @param from - the directory of a store, or one that `RaftLog.checkpoint` wrote
 * @throws `KEELSON_INVALID_ARGUMENT` (`to` or `toWalDir` is not empty, `identity` was left out); `KEELSON_MISSING_SEGMENT` with the exact
 *   path, but for leading segments that the snapshot covers (`skipped`); else those of a read-only open, and
 *   `KEELSON_COMPACTED` where the writer of the source drops, again and again, what is being copied;
 *   `KEELSON_LOCKED` (another copy is being made at `to`), `KEELSON_NO_SPACE`, `KEELSON_WRITE_FAILED`,
 *   `KEELSON_SYNC_FAILED`, `KEELSON_ABORTED`.
 *
 * @example A member that joins from a backup instead of from the leader.
 * ```ts
 * import { cloneRaftLog, openRaftLog } from 'keelson';
 *
 * await cloneRaftLog('/backup/node-1', { to: 'raft-log', identity: 'new-member' });
 * const log = await openRaftLog({ dir: 'raft-log', create: 'never' });
 * ```
 */
export async function cloneRaftLog(from: string, options: CloneOptions): Promise<CloneReport> {
  const given = readCloneOptions(from, options);
  const environment = holdingNames(patient(given.environment ?? nodeEnvironment()));
  const what = `a clone of ${given.from}`;
  const place = { environment, dir: given.from, walDir: given.walDir, signal: given.signal };
  return DirectoryInMaking.whole([environment.disk, given.to, what, given.toWalDir], (making) =>
    withSource(place, (source) => copy(environment, given, making, source)),
  );
}

async function copy(
  environment: HeldEnvironment,
  given: GivenClone,
  making: DirectoryInMaking,
  source: CopySource,
): Promise<CloneReport> {
  const { durable, proven, highest, lineage } = source;
  const start = startOf(given, durable);
  // An attempt before this one may have left files here.
  await making.clear();
  const folder = await making.makeInner(SNAPSHOTS_DIRECTORY_NAME);
  const { snapshotName } = durable;
  if (snapshotName !== null)
    await source.snapshots.duplicate(snapshotName, folder).catch((error: unknown) => {
      throw replacedMeanwhile(source, error);
    });
  await syncNames(environment.disk, folder);
  const layer = new DurableState(null);
  const { segmentBytes, pieceBytes } = source;
  const { boundaryEntry: boundary } = durable;
  await buildClone(environment, making, {
    layer,
    segmentBytes,
    pieceBytes,
    lineage,
    origin: given.identity === 'same' ? 'restored' : 'cloned',
    epoch: highest.epoch + 1 + drawnBelow(EPOCHS_APART, environment),
    above: { lsn: proven.lsn, segment: highest.segment },
    end: { lastIndex: boundary.index, lastTerm: boundary.term },
    begin: () => Promise.resolve(start.preambleState()),
    fill: (log) => refill(log, layer, segmentBytes, source.entries(given.signal), pieceBytes),
  });
  return reportOf(given, source, start);
}

function drawnBelow(limit: number, environment: HeldEnvironment): number {
  const drawn = new Uint8Array(4);
  environment.fillRandom(drawn);
  return new DataView(drawn.buffer).getUint32(0) % limit;
}

/** The state that the clone begins with, before its entries. */
function startOf({ identity, wholeCluster }: GivenClone, durable: DurableState): DurableState {
  const start = durable.copy();
  const { term, commit } = durable.hardState;
  if (identity === 'new-member') {
    // Whatever the source promised, it promised under another id.
    start.hardState = Object.freeze({ term, vote: null, commit });
    start.unfitUntil = 0;
  } else if (!wholeCluster) {
    const { hardState, unfitUntil } = giveUpVotes(term, commit, Infinity);
    start.hardState = Object.freeze(hardState);
    start.unfitUntil = unfitUntil;
  }
  return start;
}

function reportOf({ identity }: GivenClone, source: CopySource, start: DurableState): CloneReport {
  const { durable, proven, skipped } = source;
  const { firstIndex, lastIndex, snapshotMeta } = durable;
  const { hardState, unfitUntil } = start;
  const snapshot = snapshotMeta === null ? null : ownMeta(snapshotMeta);
  const held = { firstIndex, lastIndex, hardState, snapshot };
  return Object.freeze({ identity, sourceLsn: proven.lsn, ...held, unfitUntil, skipped });
}
