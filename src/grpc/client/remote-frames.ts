import { withDisk } from '../../disk/environment.js';
import type { KeelsonError } from '../../errors/index.js';
import { firstOf, isKeelsonError, whenAborted } from '../../errors/index.js';
import { checkFrameSize } from '../../errors/log-refusals.js';
import { viewOf } from '../../format/integers.js';
import type { HardState } from '../../raft-log/contract.js';
import type { FrameStore } from '../../raft-log/log-store.js';
import type { DurableState } from '../../raft-log/state/durable-state.js';
import { LogFrame } from '../../raft-log/state/log-frame.js';
import type { Frame, RecordRegion } from '../../wal/inside.js';
import { WalCounters } from '../../wal/report/wal-counters.js';
import type { WalObserver } from '../../wal/report/observer.js';
import type { RecoveryReport } from '../../wal/report/recovery-report.js';
import { Bell } from '../bell.js';
import { ConnectionLost } from '../calls.js';
import type { Answer, LogState, SaveStreamRequest } from '../generated/keelson/v1/raft_log.js';
import { STREAM_MESSAGE_BYTES } from '../limits.js';
import { errorOf } from '../wire/error-message.js';
import { latches } from '../wire/fate.js';
import { durableStateOf } from '../wire/state-message.js';
import { changeOf, checkFits, isSameLog, wireBytesOf } from './change-of.js';
import { isAbout, isUnknownSession, pause } from './connection.js';
import { fenced, notAnswering, serverWithoutUpload, strangeAnswer, unsettled } from './endings.js';
import type { Link } from './link.js';
import { readRegion } from './read-region.js';
import { SentFrames } from './sent-frames.js';

/** How much is taken. */
export interface RemoteLimits {
  readonly frameBytesMax: number;
  readonly queueBytesMax: number;
}

/** What else goes on with the session, told of each new one. */
export type SessionListener = Pick<WalObserver, 'onSync' | 'onFailed'> & {
  /** The uploaded snapshot that a frame makes count. */
  uploadFor(frame: LogFrame): Uint8Array | null;
  onSession(): void;
};

/**
 * The frames of a log that lasts elsewhere: sent in order, over one stream, without waiting for each answer.
 *
 * Invariants: a frame is durable when its answer says so, with the very LSN that this side counted for it. What has no
 * answer when the connection breaks is sent again with its number, which the server answers by its first answer. Where the
 * server began anew, what it found decides, as long as nobody wrote meanwhile: its epoch is then the very next. Else the
 * log is latched, and what was not answered is `KEELSON_FATE_UNKNOWN`.
 */
export class RemoteFrames implements FrameStore {
  readonly recovery: RecoveryReport;
  readonly counters: WalCounters = new WalCounters();
  readonly segmentCount = 0;
  latched: KeelsonError | null = null;
  queuedBytes = 0;
  readonly #link: Link;
  readonly #durableState: DurableState;
  readonly #limits: RemoteLimits;
  readonly #listener: SessionListener;
  readonly #sent = new SentFrames();
  #durableLsn: number;
  #acceptedLsn: number;
  #acceptedHardState: HardState | null = null;
  #bytesFreed = 0;
  /** Ends the whole of it. */
  readonly #ending = new AbortController();
  #isConnected = false;
  #givingUp: { cancel(): void } | null = null;
  #wake: () => void = () => undefined;
  readonly #fewer = new Bell();
  readonly #running: Promise<void>;

  constructor(
    link: Link,
    recovery: RecoveryReport,
    durable: DurableState,
    limits: RemoteLimits,
    listener: SessionListener,
  ) {
    const { lsn } = link.opened.state as LogState;
    this.recovery = recovery;
    this.#link = link;
    this.#durableState = durable;
    this.#limits = limits;
    this.#listener = listener;
    this.#durableLsn = lsn;
    this.#acceptedLsn = lsn;
    this.#running = link.hasSession ? this.#run() : Promise.resolve();
  }

  get durable(): { readonly lsn: number } {
    return { lsn: this.#durableLsn };
  }

  /** When the oldest change without an answer was taken; null if there is none. */
  get waitingSinceMs(): number | null {
    return this.#sent.oldest?.sinceMs ?? null;
  }

  accept(frame: Frame): void {
    if (!(frame instanceof LogFrame)) throw new TypeError('only frames of a Raft log travel');
    const { headerBytes, payloadBytes, recordCount } = frame;
    checkFrameSize(frame, this.queuedBytes, this.#limits);
    const wireBytes = wireBytesOf(frame);
    checkFits(frame, wireBytes, this.#link.opened.messageBytesMax);
    // All of it is written over.
    const { buffer, byteOffset } = Buffer.allocUnsafe(payloadBytes);
    const bytes = new Uint8Array(buffer, byteOffset, payloadBytes);
    const view = viewOf(bytes);
    // Sums are the server's affair: it makes its own of what came.
    frame.encode(bytes, view, 0, false);
    // No header is ever written in front of it.
    frame.accepted({ bytes, view }, -headerBytes, this.#acceptedLsn + 1);
    const uploadId = this.#listener.uploadFor(frame);
    const { hardState } = frame.effect;
    // The very object where nothing of it changes.
    const changesHardState = hardState !== this.#acceptedHardState;
    this.#acceptedHardState = hardState;
    this.#sent.add({
      frame,
      number: 0,
      followsLsn: this.#acceptedLsn,
      wireBytes,
      change: () => changeOf(frame, uploadId, changesHardState),
      sinceMs: this.#link.parts.environment.now(),
    });
    this.#acceptedLsn += recordCount;
    this.queuedBytes += frame.bytes;
    this.#armGivingUp();
    this.#wake();
  }

  /** Connects, and connects again, until the log is closed or latched. */
  async #run(): Promise<void> {
    const { environment } = this.#link.parts;
    const { signal } = this.#ending;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        await this.#stream(() => {
          attempt = 0;
        });
      } catch (error) {
        // Who has just answered is not waited for as one that was silent before.
        if (await this.#afterBreak(error)) attempt = 0;
      }
      this.#isConnected = false;
      this.#armGivingUp();
      await pause(environment, attempt, signal).catch(() => undefined);
    }
  }

  /** One connection, from the first message to its end. */
  async #stream(onConnected: () => void): Promise<void> {
    const own = new AbortController();
    const { signal, forget } = firstOf([this.#ending.signal, own.signal]);
    this.#sent.rewind();
    try {
      for await (const { answers } of this.#link.parts.calls.saveStream(this.#requests(signal), signal)) {
        this.#isConnected = true;
        onConnected();
        this.#givingUp?.cancel();
        this.#givingUp = null;
        this.#takeAnswers(answers);
      }
    } finally {
      // What feeds a stream that is no more must take no change that is to be sent by the next.
      own.abort();
      forget();
    }
  }

  async *#requests(signal: AbortSignal): AsyncGenerator<SaveStreamRequest, void> {
    yield { session: this.#link.session, changes: [] };
    const { environment } = this.#link.parts;
    const { endOfReactions } = withDisk(environment, environment.disk);
    const { messageBytesMax, windowChanges } = this.#link.opened;
    const bytesMax = Math.min(STREAM_MESSAGE_BYTES, messageBytesMax);
    const forget = whenAborted(signal, () => this.#wake());
    try {
      while (!signal.aborted) {
        const changes = this.#sent.nextBatch(bytesMax, windowChanges);
        if (changes.length > 0) {
          yield { session: undefined, changes };
          continue;
        }
        await new Promise<void>((resolve) => {
          // What is saved by all who were told of the same answers travels in one message.
          this.#wake = () => {
            this.#wake = () => undefined;
            endOfReactions(resolve);
          };
        });
      }
    } finally {
      forget();
    }
  }

  #takeAnswers(answers: readonly Answer[]): void {
    const group = { saves: 0, bytes: 0, sinceMs: 0 };
    let ended: KeelsonError | null = null;
    for (const { number, outcome } of answers) {
      // No answer to the change, which the next session is sent: this one took no more.
      if (outcome?.$case === 'error' && outcome.value.argument === 'session') {
        ended = errorOf(outcome.value);
        break;
      }
      const sent = this.#sent.answered(number);
      if (sent === undefined || sent.frame === null) continue;
      if (outcome?.$case === 'saved') {
        const { lsn, bytesFreed } = outcome.value;
        if (lsn !== sent.frame.lastLsn) {
          this.#fail(sent.frame, strangeAnswer(this.#link.parts.place, lsn, sent.frame.lastLsn));
          continue;
        }
        this.#bytesFreed += bytesFreed;
        if (group.saves === 0) group.sinceMs = sent.sinceMs;
        group.saves += 1;
        group.bytes += sent.frame.bytes;
        this.#landed(sent.frame);
      } else {
        this.#refused(sent.frame, outcome);
      }
    }
    if (group.saves > 0) this.#tellSync(group);
    this.#wake();
    this.#fewer.ring();
    if (ended !== null) throw ended;
  }

  #landed(frame: LogFrame): void {
    this.#durableLsn = frame.lastLsn;
    this.queuedBytes -= frame.bytes;
    frame.onDurable();
  }

  #tellSync({ saves, bytes, sinceMs }: { saves: number; bytes: number; sinceMs: number }): void {
    const ms = this.#link.parts.environment.now() - sinceMs;
    this.counters.groups += 1;
    this.counters.frameBytes += bytes;
    this.counters.syncMs.add(ms);
    this.#listener.onSync({ lsn: this.#durableLsn, saves, bytes, ms });
  }

  #refused(frame: LogFrame, outcome: Answer['outcome']): void {
    const { place } = this.#link.parts;
    const error =
      outcome?.$case === 'error' ? errorOf(outcome.value) : strangeAnswer(place, 0, frame.lastLsn);
    // The data of a snapshot goes with the session: where that is a new one, its record has nothing to name.
    const isWithoutUpload = frame.effect.snapshot !== undefined && isAbout(error, 'upload_id');
    this.#fail(frame, isWithoutUpload ? serverWithoutUpload(place) : error);
  }

  /** The first failure fails all that waits behind it (D8): the server refuses those, since they follow what is not there. */
  #fail(first: LogFrame | null, error: KeelsonError): void {
    if (latches(error)) this.#latchAs(error);
    const oldest = this.#sent.giveUp();
    this.#acceptedLsn = this.#durableLsn;
    this.queuedBytes = 0;
    // It rejects those behind it.
    (first ?? oldest)?.onFailed(error);
    this.#fewer.ring();
  }

  /** Latches the log; what has no answer fails, too. */
  latch(error: KeelsonError): void {
    this.#latchAs(error);
    this.#fail(null, error);
  }

  #latchAs(error: KeelsonError): void {
    if (this.latched !== null) return;
    this.latched = error;
    this.#link.hasSession = false;
    this.#listener.onFailed(error);
    this.#ending.abort();
  }

  /** True if there is a new session. */
  async #afterBreak(error: unknown): Promise<boolean> {
    if (this.#ending.signal.aborted || error instanceof ConnectionLost) return false;
    try {
      if (isUnknownSession(error)) return await this.#resume(error);
      // A server that takes no more calls, or knows no such token, may do so again in a moment; patience has its end.
      if (!isKeelsonError(error)) throw error;
    } catch (failure) {
      if (!this.#ending.signal.aborted && !isUnreachable(failure)) this.latch(this.#undecided(failure));
    }
    return false;
  }

  /** The server does not know the session: it began anew, or another one has, or had, the log. */
  async #resume(why: unknown): Promise<true> {
    let before: number;
    try {
      before = await this.#link.reopen(this.#ending.signal);
    } catch (error) {
      const isAttached = isAbout(error, 'name') && isKeelsonError(error, 'KEELSON_LOCKED');
      throw isAttached ? fenced(this.#link.parts.place, why) : error;
    }
    const { epoch, state } = this.#link.opened;
    if (epoch !== before + 1) {
      // The next one shall find it free.
      await this.#letGo();
      throw fenced(this.#link.parts.place, why);
    }
    this.#settle(state as LogState);
    this.#listener.onSession();
    return true;
  }

  /** What the server found is the end of this session's own writing: what is there is there for good, and the rest is not. */
  #settle(state: LogState): void {
    for (let oldest = this.#sent.oldest; oldest !== undefined; oldest = this.#sent.oldest) {
      const { frame } = oldest;
      if (frame !== null && frame.lastLsn > state.lsn) break;
      this.#sent.settleOldest();
      if (frame !== null) this.#landed(frame);
    }
    if (this.#durableLsn !== state.lsn || !isSameLog(this.#durableState, durableStateOf(state)))
      throw unsettled(this.#link.parts.place, state.lsn, this.#durableLsn);
    this.#sent.restart();
  }

  #undecided(cause: unknown): KeelsonError {
    if (isKeelsonError(cause, 'KEELSON_FATE_UNKNOWN') || isKeelsonError(cause, 'KEELSON_FENCED'))
      return cause;
    return notAnswering(this.#link.parts.place, cause);
  }

  /** Nobody waits for ever: a change that the server cannot be asked about is told so. */
  #armGivingUp(): void {
    if (this.#isConnected || this.#givingUp !== null || this.#sent.count === 0 || this.latched !== null)
      return;
    const { environment, patienceMs } = this.#link.parts;
    this.#givingUp = environment.setTimer(patienceMs, () => {
      this.#givingUp = null;
      if (!this.#isConnected && this.#sent.count > 0) this.latch(this.#undecided(null));
    });
  }

  // A durable entry's checksum is the server's.
  checksumOf(): undefined {
    return undefined;
  }

  read(from: number, until: number, bytesMax: number = Infinity): Promise<RecordRegion> {
    return readRegion(this.#link, this.#durableState, from, until, bytesMax);
  }

  wasDropped(): Promise<boolean> {
    return Promise.resolve(false);
  }

  /** The server frees as it compacts. */
  dropUnneeded(): Promise<number> {
    const bytesFreed = this.#bytesFreed;
    this.#bytesFreed = 0;
    return Promise.resolve(bytesFreed);
  }

  // What only a disk can do, or refuse.
  noteRefusal(): void {}
  checkFence(): Promise<void> {
    return Promise.resolve();
  }
  witnessDurable(): Promise<void> {
    return Promise.resolve();
  }

  /** Waits for the answers to all that was accepted, and lets the log go. */
  async close(): Promise<void> {
    while (this.#sent.oldest !== undefined && this.latched === null) await this.#fewer.next();
    this.#givingUp?.cancel();
    this.#ending.abort();
    await this.#running;
    await this.#letGo();
  }

  /** As far as the server can be reached; it does nothing for a session that is not its. */
  async #letGo(): Promise<void> {
    const { session } = this.#link;
    if (session.id.length === 0) return;
    await this.#link.parts.calls.close({ session }).catch(() => undefined);
  }
}

/** Nobody said anything of the log: it may be there in a moment, as may one that the server before has locked still. */
function isUnreachable(error: unknown): boolean {
  return isKeelsonError(error, 'KEELSON_READ_FAILED') || isKeelsonError(error, 'KEELSON_LOCKED');
}
