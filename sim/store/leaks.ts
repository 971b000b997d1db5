import type { RaftLog } from '../../src/raft-log/contract.js';
import { Finding } from '../oracle/finding.js';
import type { Scene } from './scene.js';

/** A closed log holds no file open, and says what it is. */
export function checkClosed(scene: Scene, log: RaftLog): void {
  const { openFileCount } = scene.process;
  // The `close` of a descriptor that was made to fail may have kept it.
  if (openFileCount > 0 && scene.faults.suffered.failures === 0) {
    const what = `${openFileCount} files are open behind close, in ${scene.by}`;
    throw new Finding({ oracle: 'leak', what, expected: ['0 open files'] });
  }
  if (log.status === 'closed' || log.status === 'failed') return;
  throw new Finding({ oracle: 'durable-view', what: `a closed log says its status is ${log.status}` });
}

/**
 * Room that a log may hold which was compacted to its end: the tail, one segment before it, the spares, the
 * snapshots that are kept, and a little for each small file. Copies of torn tails come on top.
 */
export function checkRoom(scene: Scene): void {
  const { segmentBytes, snapshotsKept } = scene.plan.config;
  const { disk } = scene;
  let used = 0;
  let copies = 0;
  let largest = 0;
  for (const path of disk.list()) {
    const bytes = disk.readVolatile(path)?.length ?? 0;
    if (path.includes('/quarantine/')) copies += bytes;
    else used += bytes;
    if (path.includes('/snapshots/')) largest = Math.max(largest, bytes);
    else if (path.endsWith('.wal')) largest = Math.max(largest, bytes - segmentBytes);
  }
  const allowed = 6 * segmentBytes + (snapshotsKept + 1) * largest + 32_768;
  if (used <= allowed) return;
  const what = `after compaction the store takes ${used} bytes beside ${copies} in quarantine: ${disk.list().join(' ')}`;
  throw new Finding({ oracle: 'leak', what, expected: [`at most ${allowed} bytes`] });
}
