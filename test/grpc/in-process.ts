import type { RaftLog } from '../../src/raft-log/contract.js';
import type { Environment } from '../../src/disk/environment.js';
import { nodeEnvironment } from '../../src/disk/node-environment.js';
import { openRemoteLog } from '../../src/grpc/client/remote-raft-log.js';
import type { RaftLogCalls } from '../../src/grpc/calls.js';
import { RaftLogHost } from '../../src/grpc/server/raft-log-host.js';
import { logsBelow } from '../../src/grpc/server/log-source.js';
import { DEFAULTS } from '../../src/raft-log/rules/options.js';

/** A host over logs on a disk that is simulated, or on that of the environment. */
export function hostOf(environment: Environment, root: string): RaftLogHost {
  const logs = logsBelow({ root, environment, segmentBytes: 8192 });
  return new RaftLogHost(logs, { logsMax: 1000, queuedBytesMax: 2 ** 25 });
}

/** A log over calls that are carried by nothing: of one process. */
export function connectTo(
  calls: RaftLogCalls,
  name: string,
  options: { takeOver?: boolean; patienceMs?: number; batchBytesMax?: number; place?: string } = {},
): Promise<RaftLog> {
  const { takeOver = false, patienceMs = 2000, batchBytesMax = DEFAULTS.batchBytesMax } = options;
  const { queueBytesMax, recentBytes, snapshotsKept } = DEFAULTS;
  return openRemoteLog({
    calls,
    environment: nodeEnvironment(),
    name,
    place: options.place ?? `in-process/${name}`,
    options: { neverCreate: false, checksOff: false, verifyAll: false },
    patienceMs,
    takeOver,
    rules: { checks: 'strict', readOnly: false, queueBytesMax, recentBytes, snapshotsKept, batchBytesMax },
    signal: undefined,
    onClosed: () => undefined,
  });
}
