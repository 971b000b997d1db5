import { isKeelsonError, KeelsonError } from '../../errors/index.js';
import { invalidArgument } from '../../errors/arguments.js';
import { identityText } from '../../format/identity.js';
import type { SaveResult } from '../../raft-log/contract.js';
import type { RaftLogEventMap } from '../../raft-log/events.js';
import type {
  Change,
  OpenResponse,
  Saved,
  SnapshotUpload,
  WatchResponse,
} from '../generated/keelson/v1/raft_log.js';
import { WINDOW_CHANGES } from '../limits.js';
import { errorMessage } from '../wire/error-message.js';
import { toJson } from '../wire/json.js';
import { saveOf } from '../wire/save-message.js';
import type { HeldEntries } from './entry-messages.js';
import { EventQueue } from './event-queue.js';
import type { HostedLog } from './log-source.js';
import { doesNotFollow, forgotten, outOfOrder, superseded, tooMany } from './refusals.js';
import { Upload, type TakeSnapshot } from './upload.js';

type Told = Omit<WatchResponse, 'missed'>;

/** Events that a watcher is told of beside `fenced`; `sync` each client knows by its answers. */
const WATCHED = ['rotate', 'no-space', 'space-back', 'failed', 'slow-sync', 'stalled', 'unmarked'] as const;

/**
 * One writer of one log, from its Open until it closes, is taken over from or the server ends. Connections come and go
 * meanwhile.
 *
 * Invariant: changes are taken in order of their numbers, without a gap, each once. What was taken has an answer, and the
 * answer is kept until the client says that it came: so a change that comes again after a lost connection is answered by
 * its first answer.
 */
export class LogSession {
  /** Of the log. */
  readonly name: string;
  readonly id: string;
  readonly epoch: number;
  readonly hosted: HostedLog;
  /** For its readers. */
  readonly held: HeldEntries = { bytes: 0 };
  /** What Open answered; forgotten with the first change. */
  opened: OpenResponse | null;
  #number = 0;
  #answered = 0;
  readonly #answers = new Map<number, Promise<Saved>>();
  /** A snapshot that is being made to count: what comes behind it waits. */
  #barrier: Promise<unknown> | null = null;
  #upload: { readonly id: string; readonly index: number; readonly upload: Upload } | null = null;
  readonly #watchers = new Set<EventQueue<Told>>();
  #stream: AbortController | null = null;
  #ended: KeelsonError | null = null;
  readonly #ending = new AbortController();

  constructor(name: string, id: string, hosted: HostedLog, opened: OpenResponse) {
    this.name = name;
    this.id = id;
    this.epoch = opened.epoch;
    this.hosted = hosted;
    this.opened = opened;
    const on = hosted.log.events.on.bind(hosted.log.events) as (
      event: keyof RaftLogEventMap,
      listener: (told?: unknown) => void,
    ) => void;
    for (const event of WATCHED) on(event, (told) => this.#tell(event, told));
  }

  /** Changes that were taken, and whose answers have not come. */
  get answersKept(): number {
    return this.#answers.size;
  }

  /** Aborts when the session ends, with the error that says why. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** Takes a change: in this very turn, unless a snapshot before it is still being made to count. */
  take(change: Change): Promise<Saved> {
    try {
      this.throwIfEnded();
      this.#forget(change.answered);
      return this.#taken(change.number, () => this.#apply(change));
    } catch (error) {
      return Promise.reject<Saved>(error);
    }
  }

  #taken(number: number, apply: () => Promise<Saved>): Promise<Saved> {
    if (number >= 1 && number <= this.#number)
      return this.#answers.get(number) ?? Promise.reject<Saved>(forgotten(number, this.#answered));
    if (number !== this.#number + 1) throw outOfOrder(number, this.#number + 1);
    if (this.#answers.size >= WINDOW_CHANGES)
      throw tooMany('unanswered changes of this session', WINDOW_CHANGES);
    this.#number = number;
    this.opened = null;
    const saved = this.#barrier === null ? apply() : this.#barrier.then(apply);
    // Who sent it may be gone; it is kept for who asks again.
    saved.catch(() => undefined);
    this.#answers.set(number, saved);
    return saved;
  }

  #forget(answered: number): void {
    if (answered > this.#number)
      throw invalidArgument('change.answered', answered, `at most ${this.#number}`);
    for (; this.#answered < answered; this.#answered += 1) this.#answers.delete(this.#answered + 1);
  }

  async #apply({ followsLsn, change }: Change): Promise<Saved> {
    const { log } = this.hosted;
    const lsn = this.hosted.acceptedLsn();
    if (followsLsn !== undefined && followsLsn !== lsn) throw doesNotFollow(followsLsn, lsn);
    switch (change?.$case) {
      case 'save':
        return savedOf(await log.save(saveOf(change.value)), 0);
      case 'compact':
        return this.#compact(change.value.upTo);
      case 'publish':
        return this.#publish(change.value.uploadId);
      case undefined:
        throw invalidArgument('change', undefined, 'a save, a publish or a compact');
    }
  }

  async #compact(upTo: number): Promise<Saved> {
    const { log } = this.hosted;
    const compacted = log.compact(upTo);
    // In the same turn, so it waits for the record of the compaction and for nothing behind it.
    const marked = log.save({});
    try {
      const { bytesFreed } = await compacted;
      return savedOf(await marked, bytesFreed);
    } catch (error) {
      const saved = await marked;
      if (!isKeelsonError(error) || error.family === 'caller') throw error;
      const { code, message, details, cause } = error;
      throw new KeelsonError(code, message, { ...details, lsn: saved.lsn, fate: 'persisted' }, cause);
    }
  }

  #publish(uploadId: Uint8Array): Promise<Saved> {
    return this.#behindBarrier(this.uploadOf(uploadId));
  }

  /** Nothing is taken before the snapshot's record is queued: so it has the LSN of its place among the changes. */
  async #behindBarrier(upload: Upload): Promise<Saved> {
    const counted = upload.whole();
    const passed = counted.then(
      () => undefined,
      () => undefined,
    );
    this.#barrier = passed;
    void passed.then(() => {
      if (this.#barrier === passed) this.#barrier = null;
    });
    try {
      await counted;
    } finally {
      if (this.#upload?.upload === upload) this.#upload = null;
    }
    return savedOf(await this.hosted.log.save({}), 0);
  }

  /** Begins an upload, or goes on with the one of that name; any other is given up. */
  beginUpload({ uploadId, offset, index }: SnapshotUpload, take: TakeSnapshot): Upload {
    this.throwIfEnded();
    const name = identityText(uploadId);
    const before = this.#upload;
    if (before?.id === name) {
      // It would be taken for the other one, and be the state of a wrong index.
      if (index !== before.index)
        throw invalidArgument('upload.index', index, `${before.index}, as this upload was begun`);
      return before.upload;
    }
    if (offset !== 0) throw invalidArgument('upload.offset', offset, '0: the server knows no such upload');
    before?.upload.abandon();
    const upload = new Upload(take);
    this.#upload = { id: name, index, upload };
    return upload;
  }

  uploadOf(id: Uint8Array): Upload {
    this.throwIfEnded();
    if (this.#upload?.id === identityText(id)) return this.#upload.upload;
    throw invalidArgument(
      'upload_id',
      identityText(id),
      'an upload of this session that was begun and does not count yet',
    );
  }

  /** True if the change of that number was taken. */
  isTaken(number: number): boolean {
    return number >= 1 && number <= this.#number;
  }

  /** Makes an upload count, as the change of that number. */
  countUpload(number: number, upload: Upload): Promise<Saved> {
    this.throwIfEnded();
    return this.#taken(number, () => this.#behindBarrier(upload));
  }

  /** The signal of a stream of changes; the one before it ends. */
  beginStream(): AbortSignal {
    this.throwIfEnded();
    this.#stream?.abort(superseded('session'));
    this.#stream = new AbortController();
    return this.#stream.signal;
  }

  /** The events of the log, from now on. */
  watch(): EventQueue<Told> {
    this.throwIfEnded();
    const queue = new EventQueue<Told>();
    this.#watchers.add(queue);
    return queue;
  }

  unwatch(queue: EventQueue<Told>): void {
    this.#watchers.delete(queue);
  }

  #tell(event: string, told: unknown): void {
    const isError = isKeelsonError(told);
    const one: Told = {
      event,
      toldJson: isError ? '' : (toJson(told) ?? ''),
      error: isError ? errorMessage(told) : undefined,
    };
    for (const queue of this.#watchers) queue.push(one);
  }

  /** Why it has ended; null while it has not. */
  get ended(): KeelsonError | null {
    return this.#ended;
  }

  throwIfEnded(): void {
    if (this.#ended !== null) throw this.#ended;
  }

  /** Takes no more; resolved: what was taken has its answer, and the log is closed, with a clean end. */
  async end(why: KeelsonError, event: 'fenced' | null): Promise<void> {
    if (this.#ended === null) {
      this.#ended = why;
      this.#upload?.upload.abandon();
      if (event !== null) this.#tell(event, why);
      for (const queue of this.#watchers) queue.end();
    }
    await this.hosted.log.close();
    await Promise.allSettled(this.#answers.values());
    // Nobody can ask for them any more; streams that are not read may keep the session for a while.
    this.#answers.clear();
    this.#ending.abort(why);
  }
}

function savedOf({ lsn, lastIndex }: SaveResult, bytesFreed: number): Saved {
  return { lsn, lastIndex, bytesFreed };
}
