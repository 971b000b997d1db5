import type { Entry, HardState, RaftLog } from '../../src/raft-log/contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { decodeSuperblock, encodeSuperblock, SUPERBLOCK_SLOT_BYTES } from '../../src/format/superblock.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import type { StoreTuning } from './cluster-plan.js';

const DIR = '/data/log';

/** What is kept of a log whose tail is given up. */
interface Remains {
  readonly hardState: HardState;
  readonly boundary: { readonly index: number; readonly term: number };
  readonly snapshot: { readonly index: number; readonly term: number; readonly conf: Uint8Array } | null;
  readonly data: Uint8Array;
  readonly entries: readonly Entry[];
  /** Last index that was there before. */
  readonly lostUntil: number;
}

/**
 * What a repair leaves that had to give up the end of a log: term and vote, the snapshot, the entries up to some
 * index, and the word that this store is unfit to vote until it has caught up to where it once was. Nothing may
 * have the store open.
 *
 * @param keepShare of the entries that may be lost, the share that stays
 * @param onOpened - sees what the store held before
 * @returns the last index that is kept and the index until which the store is unfit, or null if there is no tail
 */
export async function loseTail(
  disk: SimulatedDisk,
  store: StoreTuning,
  keepShare: number,
  onOpened: (log: RaftLog) => void,
): Promise<{ readonly keptUntil: number; readonly unfitUntil: number } | null> {
  const { environment } = disk;
  const old = await openRaftLog({ dir: DIR, ...store, create: 'never', environment });
  onOpened(old);
  const remains = await remainsOf(old, keepShare);
  await old.close();
  if (remains === null) return null;
  for (const path of disk.list()) disk.remove(path);
  const made = await openRaftLog({ dir: DIR, ...store, create: 'if-missing', environment });
  await fill(made, remains);
  await made.close();
  markUnfit(disk, remains.lostUntil);
  const keptUntil = remains.entries.at(-1)?.index ?? remains.boundary.index;
  return { keptUntil, unfitUntil: remains.lostUntil };
}

async function remainsOf(log: RaftLog, keepShare: number): Promise<Remains | null> {
  const { hardState, lastIndex, snapshot } = log;
  // Without a snapshot the log goes back to its very beginning, and nothing can be given up below one.
  const base = snapshot?.index ?? 0;
  if (lastIndex <= base) return null;
  const keptUntil = base + Math.floor(keepShare * (lastIndex - base));
  const chunks: Uint8Array[] = [];
  const opened = await log.openSnapshot();
  if (opened !== null) for await (const chunk of opened.data) chunks.push(chunk);
  return {
    hardState: { ...hardState, commit: Math.min(hardState.commit, keptUntil) },
    boundary: { index: base, term: snapshot?.term ?? 0 },
    snapshot,
    data: Buffer.concat(chunks),
    entries: keptUntil > base ? await log.entries(base + 1, keptUntil + 1) : [],
    lostUntil: lastIndex,
  };
}

async function fill(log: RaftLog, { snapshot, data, hardState, entries }: Remains): Promise<void> {
  const { term, vote } = hardState;
  if (snapshot !== null) {
    const { index, conf } = snapshot;
    await log.installSnapshot({ index, term: snapshot.term, conf, data, hardState: { term, vote } });
  }
  await log.save({ entries, hardState });
}

/** Both slots of the superblock say so from now on, durably. */
function markUnfit(disk: SimulatedDisk, unfitUntil: number): void {
  const path = `${DIR}/superblock`;
  const bytes = disk.readVolatile(path) ?? new Uint8Array();
  for (const at of [0, SUPERBLOCK_SLOT_BYTES]) {
    const verdict = decodeSuperblock(bytes.subarray(at, at + SUPERBLOCK_SLOT_BYTES));
    if (verdict.kind !== 'valid') continue;
    disk.overwrite(path, at, encodeSuperblock({ ...verdict.superblock, unfitUntil }));
  }
}
