import type { CallUnderWay } from '../../src/disk/disk-watch.js';
import type { RaftLog } from '../../src/raft-log/contract.js';

/** A call that a log says hangs is under way, for a second at least, and `health()` knows of one as old. */
export function judgeStalled(log: RaftLog, told: CallUnderWay, found: (what: string) => void): void {
  const { oldestCall } = log.health();
  // Sums of virtual times are not exact.
  if (told.sinceMs < 999) found(`${told.call} is told to hang after ${told.sinceMs} ms`);
  if (oldestCall !== null && oldestCall.sinceMs >= told.sinceMs) return;
  found(
    `${told.call} of ${told.path} is told to hang for ${told.sinceMs} ms, and the oldest call under way is ${JSON.stringify(oldestCall)}`,
  );
}
