import { onTestFinished } from 'vitest';
import type { RaftLog } from '../../src/raft-log/contract.js';
import {
  connectRaftLog,
  serveRaftLogs,
  type ConnectOptions,
  type RaftLogServer,
  type ServeOptions,
} from '../../src/grpc/index.js';
import { scratchDirectory } from '../disk/scratch-directory.js';

/** A server on a free port of this machine, ended when the test has finished. */
export async function served(options: Partial<ServeOptions> = {}): Promise<RaftLogServer> {
  const server = await serveRaftLogs({
    root: options.root ?? scratchDirectory(),
    log: { segmentBytes: 65_536 },
    ...options,
  });
  onTestFinished(() => server.close(0));
  return server;
}

/** A log of a server. */
export function connected(
  { port }: Pick<RaftLogServer, 'port'>,
  options: Partial<ConnectOptions> = {},
): Promise<RaftLog> {
  return connectRaftLog(`127.0.0.1:${port}`, { name: 'a', ...options });
}
