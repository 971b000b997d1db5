import { ChannelCredentials, type ChannelOptions } from '@grpc/grpc-js';
import { nodeEnvironment } from '../../disk/node-environment.js';
import { checkInteger, invalidArgument, readFields } from '../../errors/arguments.js';
import { LIMITS } from '../../format/limits.js';
import type { RaftLog } from '../../raft-log/contract.js';
import type { RaftLogOptions } from '../../raft-log/options-contract.js';
import { resolveOptions } from '../../raft-log/rules/options.js';
import { openRemoteLog } from '../client/remote-raft-log.js';
import { checkLogName } from '../server/log-source.js';
import { grpcCalls, type CallerParts } from './grpc-calls.js';
import { clientCredentials, type ClientTlsFiles } from './tls-files.js';
import { tokenOf } from './tokens.js';

/** How a server is reached. */
export interface RemoteAddressOptions {
  /** Over TLS, with these files. Left out: plainly, as only a server on loopback is. */
  readonly tls?: ClientTlsFiles;
  /** A file that holds the bearer token. Read again when it changes. */
  readonly tokenFile?: string;
}

/** Options of `openRaftLog` that mean something over a connection. */
const OF_THE_LOG = [
  'create',
  'segmentBytes',
  'batchBytesMax',
  'snapshotsKept',
  'checks',
  'readOnly',
  'verifyOnOpen',
  'queueBytesMax',
  'recentBytes',
  'signal',
] as const;

/** Options of {@link connectRaftLog}: of the connection, and those of `openRaftLog` that mean something over one. */
export interface ConnectOptions
  extends RemoteAddressOptions, Pick<RaftLogOptions, (typeof OF_THE_LOG)[number]> {
  /** Which log of the server. */
  readonly name: string;
  /** Take it from the session that has it, whose saves are refused from then on. Default false: `KEELSON_LOCKED`. */
  readonly takeOver?: boolean;
  /**
   * Milliseconds for which a call goes on trying to reach a server that is not there. Then a read is `KEELSON_READ_FAILED`,
   * and the log is latched if a save waits: `KEELSON_FATE_UNKNOWN`. Default 10,000.
   */
  readonly patienceMs?: number;
}

const OPTIONS = [...OF_THE_LOG, 'name', 'takeOver', 'patienceMs', 'tls', 'tokenFile'] as const;
const PATIENCE_MS = 10_000;

/** Retries buffer what was written; channelz keeps what was closed. */
const CHANNEL: ChannelOptions = {
  'grpc.enable_retries': 0,
  'grpc.enable_channelz': 0,
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.min_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 1000,
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc-node.flow_control_window': 8_388_608,
  // Each log has a connection of its own: what a server takes a round trip, it takes of all streams of one.
  'grpc.use_local_subchannel_pool': 1,
};

/** See `keelson/grpc`. */
export async function connectRaftLog(address: string, options: ConnectOptions): Promise<RaftLog> {
  const given = readFields('options', options, OPTIONS) as ConnectOptions;
  const { name, takeOver = false, patienceMs = PATIENCE_MS, create, segmentBytes, readOnly } = given;
  checkLogName(name);
  checkInteger('patienceMs', patienceMs, 1, LIMITS.integerMax);
  if (readOnly === true && (create === 'if-missing' || takeOver))
    throw invalidArgument('readOnly', readOnly, "neither create: 'if-missing' nor takeOver beside it");
  const ofTheLog = Object.fromEntries(OF_THE_LOG.map((option) => [option, given[option]]));
  const { checks, signal, verifyOnOpen, ...rules } = resolveOptions({ dir: '.', ...ofTheLog });
  const { calls, close } = connectTo(address, given, patienceMs);
  try {
    return await openRemoteLog({
      calls,
      environment: nodeEnvironment(),
      name,
      place: `${address}/${name}`,
      options: {
        neverCreate: create === 'never',
        checksOff: checks === 'off',
        verifyAll: verifyOnOpen === 'all',
        segmentBytes,
        batchBytesMax: given.batchBytesMax,
        snapshotsKept: given.snapshotsKept,
      },
      patienceMs,
      takeOver,
      rules: { checks, ...rules },
      signal,
      onClosed: close,
    });
  } catch (error) {
    close();
    throw error;
  }
}

/** The calls of a server. */
export function connectTo(
  address: unknown,
  { tls, tokenFile }: RemoteAddressOptions,
  patienceMs: number = PATIENCE_MS,
): ReturnType<typeof grpcCalls> {
  if (typeof address !== 'string' || address === '') throw invalidArgument('address', address, `'host:port'`);
  // A server that went without a word is found by its silence: asked after half of the patience, and for the other half.
  const silentMs = Math.min(5000, Math.max(500, Math.ceil(patienceMs / 2)));
  const parts: CallerParts = {
    credentials: tls === undefined ? ChannelCredentials.createInsecure() : clientCredentials(tls),
    options: { ...CHANNEL, 'grpc.keepalive_time_ms': silentMs, 'grpc.keepalive_timeout_ms': silentMs },
    token: tokenFile === undefined ? () => null : tokenOf(tokenFile),
  };
  return grpcCalls(address, parts);
}
