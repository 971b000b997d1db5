import { bytes, integer, percentile } from '../single/figures.js';
import type { Cluster } from './cluster.js';
import type { Witness } from './witness.js';
import type { Workload } from './workload.js';

/** What a person wants to know at the end. */
export function clusterSummary(run: {
  readonly cluster: Cluster;
  readonly witness: Witness;
  readonly workload: Workload;
  readonly loadMs: number;
  readonly bytesOnDisk: number;
  readonly stateHash: string;
}): string {
  const { cluster, witness, workload, loadMs, bytesOnDisk, stateHash } = run;
  const writes = workload.acked.length;
  const reads = workload.history.filter(({ kind }) => kind === 'read').length;
  const verdicts = [...witness.verdicts].map(([verdict, count]) => `${count} ${verdict}`).join(', ');
  const perSecond = (count: number): string => `${integer((count / loadMs) * 1000)} per second`;
  const rows: readonly (readonly [string, string])[] = [
    ['writes acknowledged', `${integer(writes)} (${perSecond(writes)}, disasters included)`],
    ['reads answered', `${integer(reads)} (${perSecond(reads)})`],
    ['text loaded', `${workload.passes} times whole`],
    [
      'kills by SIGKILL',
      `${cluster.kills} (${cluster.killsInsideRecovery} of them while a node was starting)`,
    ],
    ['elections', integer(witness.elections)],
    ['longest time without a leader', `${(witness.leaderlessMsMax / 1000).toFixed(2)} s`],
    ['recoveries by verdict', verdicts],
    ['bytes cut', bytes(witness.cutBytes)],
    ['snapshots taken, compactions', `${witness.snapshots}, ${witness.compactions}`],
    ['snapshots installed', `${witness.installs} (the largest ${bytes(witness.installedBytesMax)})`],
    ['sync p50, p99', `${milliseconds(witness.syncMs, 0.5)}, ${milliseconds(witness.syncMs, 0.99)}`],
    ['bytes on disk at the end', `${bytes(bytesOnDisk)} on all three nodes`],
    ['hash of the state, on all three', stateHash.slice(0, 16)],
  ];
  return rows.map(([name, value]) => `  ${name.padEnd(34)}${value}`).join('\n');
}

function milliseconds(samples: readonly number[], share: number): string {
  return `${percentile(samples, share).toFixed(3)} ms`;
}
