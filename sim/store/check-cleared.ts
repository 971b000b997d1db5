import type { RaftLog } from '../../src/raft-log/contract.js';
import { publishedName } from '../../src/snapshot/snapshot-name.js';
import { findNode } from '../disk/image/paths.js';
import { Finding } from '../oracle/finding.js';
import type { Scene } from './scene.js';

/** True where something may have kept a log from clearing away what it does not need. */
function isExcused({ hasCause, isFull, isDamaged, hasLostLock, other, replaced }: Scene): boolean {
  return hasCause || isFull || isDamaged || hasLostLock || other !== null || replaced !== null;
}

/** D10: what stands in the directory of snapshots is those that are kept, and nothing that one of them has replaced. */
export function checkSnapshotFiles(scene: Scene, log: RaftLog): void {
  const directory = findNode(scene.disk.fs, scene.snapshots, 'stat');
  if (isExcused(scene) || log.status !== 'open' || directory?.kind !== 'directory') return;
  const found = [...directory.volatile.keys()].sort();
  const expected = log.snapshots.map(({ index, term }) => publishedName(index, term)).sort();
  if (found.join() === expected.join()) return;
  const what = `behind ${scene.by} snapshots are ${found.join(' ')}, and kept are ${expected.join(' ')}`;
  scene.found(new Finding({ oracle: 'leak', what }));
}

/** What a compaction, or an open, had to free it has freed: another one frees nothing. */
export async function checkAllFreed(scene: Scene, log: RaftLog): Promise<void> {
  if (isExcused(scene) || log.status !== 'open' || scene.copy !== null || scene.isReadBeside) return;
  // That it may fail is the affair of who asks for it.
  const { bytesFreed } = await log.compact(log.firstIndex - 1).catch(() => ({ bytesFreed: 0 }));
  if (bytesFreed === 0 || isExcused(scene)) return;
  const what = `${scene.by} left ${bytesFreed} bytes of segments that hold nothing which is needed`;
  scene.found(new Finding({ oracle: 'leak', what }));
}
