import { given, invalidArgument } from '../../errors/arguments.js';
import { KeelsonError, throwIfAborted, whenAborted } from '../../errors/index.js';
import { checksum } from '../../format/checksum.js';
import { LIMITS } from '../../format/limits.js';
import type { OpenedSnapshot, RaftLog } from '../../raft-log/contract.js';
import type { RaftLogCalls, RequestOf, ResponseOf } from '../calls.js';
import type { SaveStreamRequest, Session, SnapshotUpload } from '../generated/keelson/v1/raft_log.js';
import { LARGE_ENTRIES_BYTES } from '../limits.js';
import { toJson } from '../wire/json.js';
import { CHECKPOINT_SCOPES, hardStateMessageOf } from '../wire/state-message.js';
import { hardStateChangeOf } from '../wire/save-message.js';
import { ChangeStream } from './change-stream.js';
import { EntryMessages, type HeldEntries } from './entry-messages.js';
import { EventQueue } from './event-queue.js';
import type { LogSession } from './log-session.js';
import { checkLogName, type LogSource } from './log-source.js';
import { NamedLog, stateOf, type Looks } from './named-log.js';
import { firstPart, receiveUpload, type Parts } from './receive-upload.js';
import { endedError, tooMany } from './refusals.js';
import type { TakeSnapshot } from './upload.js';

/** How much a host takes. */
export interface HostLimits {
  /** Logs that may have a session at one time. Each has some files open and memory of its own. */
  readonly logsMax: number;
  /** Above so many bytes that wait for the disk of one log, no more are read from its session. */
  readonly queuedBytesMax: number;
  /** Told of each group of a log that is on stable storage. */
  readonly onSync?: (log: string, ms: number) => void;
}

/** Hands what was uploaded to the log. */
type MakeSnapshot = (
  log: RaftLog,
  given: Parameters<RaftLog['createSnapshot']>[0],
) => ReturnType<RaftLog['createSnapshot']>;

/** The service itself: many logs, by name. Whatever carries its calls, it is the same. */
export class RaftLogHost implements RaftLogCalls {
  readonly #source: LogSource;
  readonly #limits: HostLimits;
  readonly #logs = new Map<string, NamedLog>();
  readonly #held: HeldEntries = { bytes: 0 };
  readonly #heldByStrangers: HeldEntries = { bytes: 0 };
  readonly #looks: Looks = { count: 0 };
  #isDraining = false;

  constructor(source: LogSource, limits: HostLimits) {
    this.#source = source;
    this.#limits = limits;
  }

  /** The sessions that there are. */
  get sessions(): readonly LogSession[] {
    return Array.from(this.#logs.values(), ({ session }) => session).filter((session) => session !== null);
  }

  /** Takes no more changes; resolved: all that were taken are answered, and every log has a clean end. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    await Promise.all(Array.from(this.#logs.values(), (named) => named.close()));
  }

  async open(request: RequestOf<'open'>): Promise<ResponseOf<'open'>> {
    if (this.#isDraining) throw endedError(request.name);
    return this.#toBeOpened(request.name).open(request);
  }

  async close({ session }: RequestOf<'close'>): Promise<ResponseOf<'close'>> {
    const whose = whole(session, 'session');
    await this.#named(whose.name).close(whose);
    return {};
  }

  async getState({ name }: RequestOf<'getState'>): Promise<ResponseOf<'getState'>> {
    const named = this.#named(name);
    return named.readOnce((hosted) => {
      const { session } = named;
      return {
        state: stateOf(hosted),
        isAttached: session !== null,
        epoch: session?.epoch ?? 0,
        directory: hosted.directory,
        recoveryJson: toJson(hosted.log.recovery) ?? '',
      };
    });
  }

  async save({ session, change }: RequestOf<'save'>): Promise<ResponseOf<'save'>> {
    return { saved: await this.#session(session).take(whole(change, 'change')) };
  }

  saveStream(requests: AsyncIterable<SaveStreamRequest>, signal?: AbortSignal): ChangeStream {
    const { queuedBytesMax } = this.#limits;
    const sessionOf = ({ session }: SaveStreamRequest): LogSession => this.#session(session);
    return new ChangeStream({ requests, sessionOf, queuedBytesMax, signal });
  }

  entries(request: RequestOf<'entries'>, signal?: AbortSignal): AsyncIterable<ResponseOf<'entries'>> {
    const { name, session } = request;
    const owner = this.#ownerOf(session);
    const named = this.#named(session?.name ?? name);
    const reader = { held: this.#held, turns: named.turns, owner, isStranger: session === undefined };
    return named.reading(session, (hosted) => new EntryMessages(hosted, request, reader, signal));
  }

  async createSnapshot(
    requests: AsyncIterable<RequestOf<'createSnapshot'>>,
    signal?: AbortSignal,
  ): Promise<ResponseOf<'createSnapshot'>> {
    const parts = requests[Symbol.asyncIterator]();
    const upload = await firstPart(parts, 'upload', signal);
    return this.#receive(upload, (log, made) => log.createSnapshot(made), parts, signal);
  }

  async installSnapshot(
    requests: AsyncIterable<RequestOf<'installSnapshot'>>,
    signal?: AbortSignal,
  ): Promise<ResponseOf<'installSnapshot'>> {
    const parts = requests[Symbol.asyncIterator]();
    const { upload, term, hardState } = await firstPart(parts, 'install', signal);
    const more = { term, ...given({ hardState: hardState && hardStateChangeOf(hardState) }) };
    const make: MakeSnapshot = (log, made) => log.installSnapshot({ ...made, ...more });
    return this.#receive(whole(upload, 'install.upload'), make, parts, signal);
  }

  #receive(
    upload: SnapshotUpload,
    make: MakeSnapshot,
    parts: AsyncIterator<Parts>,
    signal: AbortSignal | undefined,
  ): ReturnType<typeof receiveUpload> {
    const session = this.#session(upload.session);
    const { index, conf, bytes } = upload;
    const about = { index, conf, ...given({ bytes }) };
    const take: TakeSnapshot = (data, abandoned) =>
      make(session.hosted.log, { ...about, data, signal: abandoned });
    return receiveUpload(session, upload, take, parts, signal);
  }

  async getUpload({ session, uploadId }: RequestOf<'getUpload'>): Promise<ResponseOf<'getUpload'>> {
    return { receivedBytes: this.#session(session).uploadOf(uploadId).receivedBytes };
  }

  async *openSnapshot(
    { name, index, offset, session }: RequestOf<'openSnapshot'>,
    signal?: AbortSignal,
  ): AsyncGenerator<ResponseOf<'openSnapshot'>, void> {
    const owner = this.#ownerOf(session);
    const named = this.#named(session?.name ?? name);
    yield* named.reading(session, async function* ({ log }) {
      // Each holds a piece for as long as its reader likes.
      if (owner.bytes + LIMITS.snapshotChunkBytes > LARGE_ENTRIES_BYTES)
        throw tooMany('bytes of pieces and large entries that readers have not taken', LARGE_ENTRIES_BYTES);
      owner.bytes += LIMITS.snapshotChunkBytes;
      let opened: OpenedSnapshot | null = null;
      try {
        opened = await log.openSnapshot(given({ index, signal }));
        if (opened === null) throw noSnapshot(name, index);
        yield { part: { $case: 'snapshot', value: opened.meta } } as const;
        let at = 0;
        for await (const chunk of opened.data) {
          const data = chunk.subarray(Math.min(chunk.length, Math.max(0, offset - at)));
          at += chunk.length;
          if (data.length > 0)
            yield { part: { $case: 'piece', value: { data, checksum: checksum(data) } } } as const;
        }
      } finally {
        owner.bytes -= LIMITS.snapshotChunkBytes;
        await opened?.close();
      }
    });
  }

  async compact({ session, number, name, upTo }: RequestOf<'compact'>): Promise<ResponseOf<'compact'>> {
    if (session === undefined) return this.#toBeOpened(name).compactUnattached(upTo);
    const change = { $case: 'compact', value: { upTo } } as const;
    const { bytesFreed } = await this.#session(session).take({ number, answered: 0, change });
    return { bytesFreed };
  }

  async truncate({ session, number, from }: RequestOf<'truncate'>): Promise<ResponseOf<'truncate'>> {
    const value = { truncateFrom: from, stable: [] };
    const change = { $case: 'save', value } as const;
    return { saved: await this.#session(session).take({ number, answered: 0, change }) };
  }

  async *verify(
    { name }: RequestOf<'verify'>,
    signal?: AbortSignal,
  ): AsyncGenerator<ResponseOf<'verify'>, void> {
    const named = this.#named(name);
    yield* named.reading(undefined, async function* ({ log }) {
      const queue = new EventQueue<{ readonly readBytes: number; readonly totalBytes: number }>();
      const onProgress = queue.push.bind(queue);
      const verifying = named.verifyTurns
        .run('the verification', signal, () => log.verify({ ...given({ signal }), onProgress }))
        .finally(() => queue.end());
      verifying.catch(() => undefined);
      for await (const { told } of queue) yield { part: { $case: 'progress', value: told } } as const;
      yield { part: { $case: 'reportJson', value: toJson(await verifying) ?? '' } } as const;
    });
  }

  async checkpoint(
    { name, scope, to }: RequestOf<'checkpoint'>,
    signal?: AbortSignal,
  ): Promise<ResponseOf<'checkpoint'>> {
    const directory = this.#source.checkpointAt(to);
    const asked = { to: directory, scope: CHECKPOINT_SCOPES[Math.max(0, scope)] ?? 'durable' };
    return this.#named(name).readOnce(async ({ log }) => {
      const made = await log.checkpoint({ ...asked, ...given({ signal }) });
      const { snapshot, segments, replayAfter, hardState } = made;
      return {
        directory,
        snapshot: snapshot ?? undefined,
        segments: segments.length,
        replayAfter,
        hardState: hardStateMessageOf(hardState),
      };
    });
  }

  async getStats({ name }: RequestOf<'getStats'>): Promise<ResponseOf<'getStats'>> {
    const { session } = this.#named(name);
    if (session === null) throw unattached(name);
    return { statsJson: toJson(session.hosted.log.stats()) ?? '' };
  }

  async *watch(
    { session: whose }: RequestOf<'watch'>,
    signal?: AbortSignal,
  ): AsyncGenerator<ResponseOf<'watch'>, void> {
    const session = this.#session(whose);
    const queue = session.watch();
    const forget = whenAborted(signal, () => queue.end());
    try {
      yield { event: 'watching', toldJson: '', error: undefined, missed: 0 };
      for await (const { told, missed } of queue) yield { ...told, missed };
      throwIfAborted('the watch', signal);
    } finally {
      forget();
      session.unwatch(queue);
    }
  }

  #named(name: string): NamedLog {
    const known = this.#logs.get(name);
    if (known !== undefined) return known;
    checkLogName(name);
    // Names that nobody has a session of are forgotten, so that asking for many takes no memory.
    for (const [other, { isIdle }] of this.#logs) if (isIdle) this.#logs.delete(other);
    const named = new NamedLog(name, this.#source, this.#looks, this.#limits.onSync);
    this.#logs.set(name, named);
    return named;
  }

  /** What is counted for the readers of one session, or for all that have none. */
  #ownerOf(session: Session | undefined): HeldEntries {
    return session === undefined ? this.#heldByStrangers : this.#session(session).held;
  }

  #toBeOpened(name: string): NamedLog {
    const named = this.#named(name);
    const { logsMax } = this.#limits;
    let takenCount = 0;
    for (const { isTaken } of this.#logs.values()) if (isTaken) takenCount += 1;
    if (!named.isTaken && takenCount >= logsMax) throw tooMany('logs with a session', logsMax);
    return named;
  }

  #session(session: Session | undefined): LogSession {
    const whose = whole(session, 'session');
    return this.#named(whose.name).sessionOf(whose);
  }
}

function whole<T>(value: T | undefined, argument: string): T {
  if (value === undefined) throw invalidArgument(argument, value, 'a message');
  return value;
}

function noSnapshot(name: string, index: number | undefined): KeelsonError {
  const which = index === undefined ? 'no snapshot' : `no snapshot at ${index}`;
  return new KeelsonError(
    'KEELSON_UNAVAILABLE',
    `the log ${name} keeps ${which}. Ask GetState which it keeps.`,
    { argument: 'index', ...given({ index }) },
  );
}

function unattached(name: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_UNAVAILABLE',
    `no session has the log ${name}, so nothing counts. Open it first.`,
    { argument: 'name' },
  );
}
