import { bytes, integer, percentile } from './figures.js';
import type { Tally } from './tally.js';
import type { Witness } from './witness.js';

/** What a person wants to know at the end. */
export function summary(witness: Witness, tally: Tally, bytesOnDisk: number): string {
  const { counts } = witness;
  const perSecond = tally.writingMs === 0 ? 0 : (counts.entriesAcked / tally.writingMs) * 1000;
  const verdicts = [...tally.verdicts].map(([verdict, count]) => `${count} ${verdict}`).join(', ');
  const rows: readonly (readonly [string, string])[] = [
    ['entries acknowledged', `${integer(counts.entriesAcked)} (${integer(perSecond)} per second of writing)`],
    ['saves acknowledged', integer(counts.savesAcked)],
    ['uncommitted suffixes rewritten', integer(counts.rewrites)],
    ['kills by SIGKILL', `${tally.kills} (${tally.killsInsideRecovery} of them while the log was opening)`],
    ['recoveries by verdict', verdicts],
    ['saves kept unacknowledged', `${tally.savesBeyond} (whole, in order: allowed)`],
    ['bytes cut', bytes(tally.bytesCut)],
    ['sync p50, p99', `${sync(counts.syncMs, 0.5)}, ${sync(counts.syncMs, 0.99)}`],
    ['segment rotations', integer(counts.rotations)],
    ['snapshots, compactions', `${counts.snapshots}, ${counts.compactions}`],
    ['bytes on disk at the end', bytes(bytesOnDisk)],
  ];
  return rows.map(([name, value]) => `  ${name.padEnd(32)}${value}`).join('\n');
}

function sync(samples: readonly number[], share: number): string {
  return `${percentile(samples, share).toFixed(3)} ms`;
}
