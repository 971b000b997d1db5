/**
 * `keelson/grpc`: logs of another process, over gRPC. {@link connectRaftLog} is the door for a Raft, {@link serveRaftLogs}
 * for whoever keeps its log.
 *
 * Needs optional peers: `@grpc/grpc-js`, `@bufbuild/protobuf`, `grpc-health-check` and
 * `@grpc/reflection`. The service is `keelson.v1.RaftLogService`; its .proto is in the package, below `src/grpc/proto`.
 *
 * @module keelson/grpc
 */
import type { RaftLog } from '../raft-log/contract.js';
import type { ConnectOptions } from './net/connect-raft-log.js';
import type { RaftLogServer, ServeOptions } from './net/serve-raft-logs.js';
import { withPeers } from './peers.js';

export type { ConnectOptions, RemoteAddressOptions } from './net/connect-raft-log.js';
export type { RaftLogServer, ServedSession, ServeOptions, ServerLimits } from './net/serve-raft-logs.js';
export type { ClientTlsFiles, TlsFiles } from './net/tls-files.js';

/**
 * The log of that name on a server, as its one writer: the same {@link RaftLog} as of `openRaftLog`, its rules and views in
 * this process, its bytes there.
 *
 * Saves that have no answer when the connection breaks are settled when it is there again: sent once more under their
 * numbers, or, where the server began anew, by what it found; none is made twice. Where that cannot be told, or nobody
 * answers for `patienceMs`, the log is latched and they reject with `KEELSON_FATE_UNKNOWN`. `details.fate` of each error
 * says what is known.
 *
 * @param address - `host:port`
 * @throws `KEELSON_INVALID_ARGUMENT`, also for a peer that is not installed; `KEELSON_LOCKED`: another session has it;
 *   `KEELSON_READ_FAILED`: no server, or one that cannot be spoken to; else as `openRaftLog` on the server.
 */
export async function connectRaftLog(address: string, options: ConnectOptions): Promise<RaftLog> {
  const { connectRaftLog: connect } = await withPeers(() => import('./net/connect-raft-log.js'));
  return connect(address, options);
}

/**
 * Serves the logs below a directory.
 *
 * @throws `KEELSON_INVALID_ARGUMENT`: an option is wrong, or would let anyone in from elsewhere, or a peer is not installed;
 *   `KEELSON_NOT_A_LOG`: `root` is no directory; `KEELSON_READ_FAILED`: the address cannot be listened on, or a file of `tls` or `tokenFile` cannot be read.
 *
 * @example
 * ```ts
 * import { connectRaftLog, serveRaftLogs } from 'keelson/grpc';
 *
 * await using server = await serveRaftLogs({ root: '/var/lib/keelson' });
 * const log = await connectRaftLog(`127.0.0.1:${server.port}`, { name: 'orders' });
 * ```
 */
export async function serveRaftLogs(options: ServeOptions): Promise<RaftLogServer> {
  const { serveRaftLogs: serve } = await withPeers(() => import('./net/serve-raft-logs.js'));
  return serve(options);
}
