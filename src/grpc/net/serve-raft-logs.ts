import { readFileSync, statSync } from 'node:fs';
import { createServer, type AddressInfo, type Server as NetServer, type Socket } from 'node:net';
import {
  logVerbosity,
  Server,
  ServerCredentials,
  setLogVerbosity,
  type ChannelOptions,
  type ConnectionInjector,
} from '@grpc/grpc-js';
import { checkInteger, given, invalidArgument, readFields } from '../../errors/arguments.js';
import { KeelsonError } from '../../errors/index.js';
import type { RaftLogOptions } from '../../raft-log/options-contract.js';
import type { RaftLogStats } from '../../raft-log/stats.js';
import { notALog } from '../../wal/store/store-directory.js';
import { MESSAGE_BYTES_MAX } from '../limits.js';
import { logsBelow } from '../server/log-source.js';
import { RaftLogHost } from '../server/raft-log-host.js';
import { addHealth, addReflection } from './companions.js';
import { servedBy, type CallGuard } from './guarded-call.js';
import { HANDLERS, SERVED } from './served-call.js';
import { tokenGuard } from './tokens.js';
import { watchedCredentials, type TlsFiles } from './tls-files.js';

/** How much a server takes; each has its error. */
export interface ServerLimits {
  /** Logs with a session at one time (`KEELSON_QUEUE_FULL`). Default 64. */
  readonly logsMax: number;
  /**
   * Connections at one time; others are closed at once. Default 1,024, and at most half of the descriptors that the process
   * may have, where the system tells.
   */
  readonly connectionsMax: number;
  /** Calls under way at one time, in all (`KEELSON_QUEUE_FULL`). Default 8,192. */
  readonly callsMax: number;
  /** Calls under way at one time on one connection; more wait in the client. Default 256. */
  readonly streamsMax: number;
  /**
   * Bytes of messages that have not come whole, or were not taken, of all calls; above it a call of more than 64 KiB is refused
   * (`KEELSON_QUEUE_FULL`). Default 256 MiB.
   */
  readonly partBytesMax: number;
  /** Bytes of one log that wait for its disk before no more is read from its session. Default 32 MiB. */
  readonly queuedBytesMax: number;
  /**
   * Milliseconds that a connection may be silent before its first call; later it is asked so often whether its client is
   * there still, and ended where no answer comes for as long. Default 10,000.
   */
  readonly silentMs: number;
  /**
   * Milliseconds that an answer may wait until its client takes it; then its call is ended, and may be made again. Above 32 MiB
   * of such answers those that wait longest are, after a second. Default 60,000.
   */
  readonly unreadMs: number;
}

export const SERVER_LIMITS: ServerLimits = Object.freeze({
  logsMax: 64,
  connectionsMax: 1024,
  callsMax: 8192,
  streamsMax: 256,
  partBytesMax: 268_435_456,
  queuedBytesMax: 33_554_432,
  silentMs: 10_000,
  unreadMs: 60_000,
});

/** Options of `serveRaftLogs`. */
export interface ServeOptions {
  /** The directory below which each name is the directory of a log. */
  readonly root: string;
  /** The directory below which clients may have checkpoints made, see `Checkpoint` of the service. Default: they may not. */
  readonly checkpoints?: string;
  /** Where to listen. Default `'127.0.0.1'`; elsewhere than on loopback only with `tls`. */
  readonly host?: string;
  /** Default 0: any that is free, see {@link RaftLogServer.port}. */
  readonly port?: number;
  /** Certificate and key, and whose clients are let in. The files are read again when they change. */
  readonly tls?: TlsFiles;
  /** A file of bearer tokens, one a line, of which each call must carry one. Read again when it changes. */
  readonly tokenFile?: string;
  /**
   * How logs are opened, where their clients do not say. `writeMode` is `'background'` by default: a server goes on with other
   * calls while a disk syncs.
   */
  readonly log?: Pick<
    RaftLogOptions,
    | 'segmentBytes'
    | 'batchBytesMax'
    | 'queueBytesMax'
    | 'writeMode'
    | 'onOlderFormat'
    | 'recentBytes'
    | 'environment'
  >;
  /** Those that are left out keep their default. */
  readonly limits?: Partial<ServerLimits>;
  /** Told of each call that has ended: with `'OK'`, or the code of its error, after so many milliseconds. */
  readonly onCall?: (method: string, code: string, ms: number) => void;
  /** Told of each group of a log that is on stable storage, and how long its write and sync took. */
  readonly onSync?: (log: string, ms: number) => void;
}

/** A log of a server that a client has. */
export interface ServedSession {
  /** Its name. */
  readonly log: string;
  /** Of the session: higher than any before of this log. */
  readonly epoch: number;
  /** As of `log.stats()`. */
  readonly stats: RaftLogStats;
}

/** A server of logs. */
export interface RaftLogServer extends AsyncDisposable {
  /** Where it listens. */
  readonly host: string;
  /** The port, chosen if none was given. */
  readonly port: number;
  /** Logs that have a session now. */
  readonly sessions: readonly ServedSession[];
  /** Connections that are open. */
  readonly connections: number;
  /**
   * Takes no more changes, answers those that it took, marks a clean end in every log and ends; after `graceMs` (default
   * 10,000) it ends whatever is open still. Clients go on with the server that comes after it. Idempotent.
   */
  close(graceMs?: number): Promise<void>;
}

const OPTIONS = [
  'root',
  'checkpoints',
  'host',
  'port',
  'tls',
  'tokenFile',
  'log',
  'limits',
  'onCall',
  'onSync',
] as const;
const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/u;

/** See `keelson/grpc`. */
export async function serveRaftLogs(options: ServeOptions): Promise<RaftLogServer> {
  readFields('options', options, OPTIONS);
  const { root, host = '127.0.0.1', port = 0, tls, tokenFile, log = {}, onCall, onSync } = options;
  const limits = { ...SERVER_LIMITS, ...options.limits };
  for (const [name, value] of Object.entries(limits)) checkInteger(`limits.${name}`, value, 1);
  checkInteger('port', port, 0, 65_535);
  if (tls === undefined && !LOOPBACK.test(host))
    throw invalidArgument(
      'host',
      host,
      'a loopback address, or tls beside it: anyone could write to the logs',
    );
  // An unmounted disk must be told to who starts the server, not to each client.
  if (statSync(root, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw notALog(root, 'no log can be below it, since it is no directory');
  // What grpc-js would print, errors and events say to whom it concerns.
  setLogVerbosity(logVerbosity.NONE);
  const logs = new RaftLogHost(
    logsBelow({ writeMode: 'background', ...log, root, checkpoints: options.checkpoints }),
    { ...limits, ...given({ onSync }) },
  );
  const guard: CallGuard = {
    ...limits,
    checkAllowed: tokenGuard(tokenFile),
    onEnd: (method, code, ms) => onCall?.(method, code, ms),
    now: () => performance.now(),
  };
  const server = new Server({ ...channelOf(limits), interceptors: [servedBy(logs, guard)] });
  server.addService(SERVED, HANDLERS);
  const health = await addHealth(server);
  await addReflection(server);
  const credentials = tls === undefined ? ServerCredentials.createInsecure() : watchedCredentials(tls);
  const injector = server.createConnectionInjector(credentials);
  const sockets = new Set<Socket>();
  const listening = await listen(injector, sockets, { host, port, limits });
  let closing: Promise<void> | null = null;
  const close = async (graceMs: number): Promise<void> => {
    const untilMs = performance.now() + graceMs;
    const leftMs = (): number => Math.max(0, untilMs - performance.now());
    health('NOT_SERVING');
    listening.close();
    await within(leftMs(), logs.drain());
    injector.drain(leftMs());
    await within(leftMs(), new Promise<void>((resolve) => server.tryShutdown(() => resolve())));
    server.forceShutdown();
    for (const socket of sockets) socket.destroy();
  };
  const bound = listening.address() as AddressInfo;
  health('SERVING');
  return {
    host: bound.address,
    port: bound.port,
    get sessions() {
      return logs.sessions.map(({ name, epoch, hosted }) => ({
        log: name,
        epoch,
        stats: hosted.log.stats(),
      }));
    },
    get connections() {
      return sockets.size;
    },
    close: (graceMs = 10_000) => (closing ??= close(graceMs)),
    [Symbol.asyncDispose]: () => (closing ??= close(10_000)),
  };
}

function channelOf({ silentMs, streamsMax }: ServerLimits): ChannelOptions {
  return {
    'grpc.enable_channelz': 0,
    // The host of a client may go without a word, and would hold its connection, calls and messages for ever.
    'grpc.keepalive_time_ms': silentMs,
    'grpc.keepalive_timeout_ms': silentMs,
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': streamsMax,
  };
}

/** Connections come through a listener of our own, which counts them and ends those that never say anything. */
async function listen(
  injector: ConnectionInjector,
  sockets: Set<Socket>,
  { host, port, limits }: { readonly host: string; readonly port: number; readonly limits: ServerLimits },
): Promise<NetServer> {
  const listening = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.setTimeout(limits.silentMs, () => {
      if (socket.bytesRead === 0) socket.destroy();
      socket.setTimeout(0);
    });
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    injector.injectConnection(socket);
  });
  listening.maxConnections = Math.min(limits.connectionsMax, Math.floor(descriptorsMax() / 2));
  await new Promise<void>((resolve, reject) => {
    listening.once('error', (error) => reject(cannotListen(host, port, error)));
    listening.listen(port, host, resolve);
  });
  return listening;
}

/** Descriptors that this process may have, where the system tells. Strangers take half of them at most: logs need theirs. */
function descriptorsMax(): number {
  try {
    const [, most] = /^Max open files +(\d+)/mu.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return Number(most ?? Infinity);
  } catch {
    return Infinity;
  }
}

/** Waits for work, but no longer than that. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}

function cannotListen(host: string, port: number, cause: Error): KeelsonError {
  return new KeelsonError(
    'KEELSON_READ_FAILED',
    `cannot listen on ${host}:${port}: ${cause.message}. Is another process using the port?`,
    { argument: 'port' },
    cause,
  );
}
