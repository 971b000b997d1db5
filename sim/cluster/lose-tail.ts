import type { RaftLog } from '../../src/raft-log/contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { planStoreRepair, repairStore } from '../../src/raft-log/repair-store.js';
import type { RepairedLog } from '../../src/raft-log/repair/repair-plan.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import { framesIn } from '../oracle/frame-census.js';
import type { StoreTuning } from './cluster-plan.js';

const DIR = '/data/log';

/**
 * Damages an entry of a node's log and repairs the store: the end of the log is given up, and the store is unfit to vote
 * until it has caught up to where it once was. Nothing may have the store open.
 *
 * @param keepShare of the entries that may be lost, the share in front of the damaged one
 * @param onOpened - sees what the store held before
 * @returns the log that is left, or null if there was no tail, or none that a repair gives up so: then nothing changed
 */
export async function loseTail(
  disk: SimulatedDisk,
  store: StoreTuning,
  keepShare: number,
  onOpened: (log: RaftLog) => void,
): Promise<RepairedLog | null> {
  const { environment } = disk;
  const old = await openRaftLog({ dir: DIR, ...store, create: 'never', environment });
  onOpened(old);
  const { lastIndex, snapshot } = old;
  await old.close();
  const base = snapshot?.index ?? 0;
  if (lastIndex <= base) return null;
  const unflip = flipIn(disk, base + 1 + Math.floor(keepShare * (lastIndex - base)));
  const request = { environment, dir: DIR, walDir: null };
  const { action, result } = await planStoreRepair(request);
  const isTailLost = action === 'rebuild-log' && result !== null && result.lastIndex < lastIndex;
  // Of a server that never votes again a cluster of three could lose no other.
  if (!isTailLost || result.unfitUntil === Infinity) {
    unflip();
    return null;
  }
  return (await repairStore(request)).result;
}

/** Flips a bit in the last frame that holds `index`; what this returns flips it back. */
function flipIn(disk: SimulatedDisk, index: number): () => void {
  const paths = disk.list().filter((path) => path.startsWith(`${DIR}/wal/`) && path.endsWith('.wal'));
  const frames = paths.flatMap((path) =>
    [...framesIn(disk.readVolatile(path) ?? new Uint8Array())].map((frame) => ({ path, ...frame })),
  );
  const hit = frames.findLast(({ header: { from, until } }) => from <= index && index < until);
  if (hit === undefined) return () => undefined;
  const { path, at, header } = hit;
  const byte = at + header.headerBytes + Math.floor(header.payloadBytes / 2);
  disk.flipBit(path, byte, 0);
  return () => {
    disk.flipBit(path, byte, 0);
  };
}
