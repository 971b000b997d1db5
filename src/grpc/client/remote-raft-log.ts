import { isKeelsonError } from '../../errors/index.js';
import type { RaftLogEventMap } from '../../raft-log/events.js';
import type { RaftLog } from '../../raft-log/contract.js';
import { withoutFiles } from '../../raft-log/copies/without-files.js';
import type { LogStore } from '../../raft-log/log-store.js';
import { StoredRaftLog, type LogRules } from '../../raft-log/raft-log.js';
import { LogEmitter } from '../../raft-log/state/log-emitter.js';
import type { VerifyOptions, VerifyReport } from '../../raft-log/verify-report.js';
import type { RecoveryReport } from '../../wal/report/recovery-report.js';
import type { LogState, WatchResponse } from '../generated/keelson/v1/raft_log.js';
import { errorOf } from '../wire/error-message.js';
import { fromJson } from '../wire/json.js';
import { durableStateOf } from '../wire/state-message.js';
import { answeredWithout, Link, type LinkParts } from './link.js';
import { RemoteFrames } from './remote-frames.js';
import { RemoteSnapshots } from './remote-snapshots.js';
import { isAbout, pause } from './connection.js';

/** How a remote log is opened. */
export interface RemoteLogRequest extends LinkParts {
  readonly takeOver: boolean;
  readonly rules: LogRules & { readonly batchBytesMax: number };
  readonly signal: AbortSignal | undefined;
  /** Called once, when nothing is to be sent any more. */
  readonly onClosed: () => void;
}

/** Opens a log over the calls of a service: the log of every store, whose frames, snapshots and reads go elsewhere. */
export async function openRemoteLog(request: RemoteLogRequest): Promise<RaftLog> {
  const { environment, place, rules, takeOver, signal, onClosed } = request;
  const link = rules.readOnly ? await Link.look(request, signal) : await Link.open(request, takeOver, signal);
  const { state, recoveryJson } = link.opened;
  const recovery = Object.freeze(fromJson(recoveryJson) as RecoveryReport);
  const emitter = new LogEmitter(environment, place);
  const durable = durableStateOf(state as LogState);
  const snapshots = new RemoteSnapshots(link);
  const watching = new Watching(link, emitter);
  const limits = { frameBytesMax: rules.batchBytesMax, queueBytesMax: rules.queueBytesMax };
  const frames = new RemoteFrames(link, recovery, durable, limits, {
    uploadFor: (frame) => snapshots.uploadFor(frame),
    onSync: (event) => emitter.tell('sync', event),
    onFailed: (error) => emitter.tell('failed', error),
    onSession: () => watching.begin(frames),
  });
  if (link.hasSession) watching.begin(frames);
  environment.endOfTurn(() => {
    emitter.tell('recovered', recovery);
    if (recovery.snapshotFallback !== null) emitter.tell('snapshot-fallback', recovery.snapshotFallback);
  });
  const store: LogStore = {
    dir: place,
    frames,
    snapshots,
    durable,
    emitter,
    openSnapshot: (ref, given) => snapshots.open(ref, given),
    verify: (options) => verifyRemote(link, options),
    ...withoutFiles(
      'of another process',
      'Copy it where it is: keelson remote checkpoint, or keelson backup there.',
    ),
    oldestCall: () => {
      const sinceMs = frames.waitingSinceMs;
      return sinceMs === null
        ? null
        : { call: 'dataSync', path: place, sinceMs: environment.now() - sinceMs };
    },
    close: async () => {
      await frames.close();
      watching.end();
      onClosed();
    },
  };
  return new StoredRaftLog(store, rules);
}

async function verifyRemote(link: Link, { signal, onProgress }: VerifyOptions): Promise<VerifyReport> {
  const { calls, name } = link.parts;
  return link.read('the verification', signal, async () => {
    for await (const { part } of calls.verify({ name }, signal)) {
      if (part?.$case === 'progress') onProgress?.(part.value);
      if (part?.$case === 'reportJson') return fromJson(part.value) as VerifyReport;
    }
    throw answeredWithout('report_json');
  });
}

/** Tells on what the server tells of the log. What is missed while the connection is lost, is missed. */
class Watching {
  readonly #link: Link;
  readonly #emitter: LogEmitter;
  #given = new AbortController();

  constructor(link: Link, emitter: LogEmitter) {
    this.#link = link;
    this.#emitter = emitter;
  }

  /** Watches the session as it is now, until the next. */
  begin(frames: RemoteFrames): void {
    this.end();
    this.#given = new AbortController();
    void this.#watch(frames, this.#given.signal);
  }

  end(): void {
    this.#given.abort();
  }

  async #watch(frames: RemoteFrames, signal: AbortSignal): Promise<void> {
    const { calls, environment } = this.#link.parts;
    const { session } = this.#link;
    for (let attempt = 0; !signal.aborted && frames.latched === null; attempt += 1) {
      try {
        for await (const told of calls.watch({ session }, signal)) {
          attempt = 0;
          this.#tell(told, frames);
        }
      } catch (error) {
        // Who has the log is told by the stream of changes, which sees to it.
        if (isAbout(error, 'session')) return;
      }
      await pause(environment, attempt, signal).catch(() => undefined);
    }
  }

  #tell({ event, toldJson, error }: WatchResponse, frames: RemoteFrames): void {
    const told = error === undefined ? fromJson(toldJson) : errorOf(error);
    switch (event) {
      case 'failed':
        if (isKeelsonError(told)) frames.latch(told);
        return;
      // `fenced` too: the stream of changes tells it, behind the last answers.
      case 'rotate':
      case 'no-space':
      case 'space-back':
      case 'slow-sync':
      case 'stalled':
      case 'unmarked':
        this.#emitter.tell(event, ...([told] as Parameters<RaftLogEventMap[typeof event]>));
    }
  }
}
