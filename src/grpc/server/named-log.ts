import { KeelsonError } from '../../errors/index.js';
import { given, invalidArgument } from '../../errors/arguments.js';
import { IDENTITY_BYTES, identityText } from '../../format/identity.js';
import type {
  LogState,
  OpenOptions,
  OpenRequest,
  OpenResponse,
  Session,
} from '../generated/keelson/v1/raft_log.js';
import { LOOKS_MAX, MESSAGE_BYTES_MAX, READS_AT_ONCE, VERIFIES_AT_ONCE, WINDOW_CHANGES } from '../limits.js';
import { toJson } from '../wire/json.js';
import { stateMessage } from '../wire/state-message.js';
import { ReadTurns } from './entry-messages.js';
import { LogSession } from './log-session.js';
import type { HostedLog, HostedOptions, LogSource } from './log-source.js';
import { Reading, type Loan } from './reading.js';
import { attachedError, endedError, fencedError, ownersAffair, takenOverError, tooMany } from './refusals.js';

/** The log as it lies there, for who has no session. */
interface Look {
  readonly hosted: Promise<HostedLog>;
  readers: number;
}

/** Looks at logs that are open, of all logs of a server: each has descriptors, for as long as its slowest reader reads. */
export interface Looks {
  count: number;
}

/**
 * One log by its name, and who has it.
 *
 * Every session opens the log anew: so its epoch is the store's own (D11), which rises with each writer, over restarts of
 * the server too, and is on stable storage before the session knows it. Who has no session reads beside the writer.
 */
export class NamedLog {
  readonly name: string;
  /** For all that read it. */
  readonly turns: ReadTurns = new ReadTurns(READS_AT_ONCE);
  /** For those that have it verified. */
  readonly verifyTurns: ReadTurns = new ReadTurns(VERIFIES_AT_ONCE);
  readonly #source: LogSource;
  readonly #looks: Looks;
  readonly #onSync: ((log: string, ms: number) => void) | undefined;
  #session: LogSession | null = null;
  #openings = 0;
  /** One that is not open yet. */
  #look: Look | null = null;
  /** The newest, as long as it is read, and nothing was done since. */
  #lastLook: Look | null = null;
  /** Openings and endings, one at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Calls under way that need this very object. */
  #uses = 0;

  constructor(name: string, source: LogSource, looks: Looks, onSync?: (log: string, ms: number) => void) {
    this.name = name;
    this.#source = source;
    this.#looks = looks;
    this.#onSync = onSync;
  }

  get session(): LogSession | null {
    return this.#session;
  }

  /** True if it is open to be written, or about to be. */
  get isTaken(): boolean {
    return this.#session !== null || this.#openings > 0;
  }

  /** True if nothing is lost when it is forgotten. */
  get isIdle(): boolean {
    return this.#session === null && this.#uses === 0;
  }

  /** The session of a call, or what a stranger is told. */
  sessionOf({ id, epoch }: Session): LogSession {
    const session = this.#session;
    if (session === null) throw fencedError(this.name, epoch, 0);
    if (session.id !== identityText(id) || session.epoch !== epoch)
      throw fencedError(this.name, epoch, session.epoch);
    session.throwIfEnded();
    return session;
  }

  open(request: OpenRequest): Promise<OpenResponse> {
    return this.#opening(async () => {
      if (request.sessionId.length !== IDENTITY_BYTES)
        throw invalidArgument('session_id', request.sessionId.length, `${IDENTITY_BYTES} bytes`);
      const id = identityText(request.sessionId);
      const before = this.#session;
      if (before?.id === id) {
        if (before.opened !== null) return before.opened;
        throw invalidArgument('session_id', id, 'one of which no change was sent yet');
      }
      if (before !== null) {
        if (!request.takeOver) throw attachedError(this.name, before.epoch);
        await this.#end(before, takenOverError(this.name, before.epoch), 'fenced');
      }
      const hosted = await this.#source.open(this.name, optionsOf(request.options));
      const { recovery } = hosted.log;
      const opened = {
        epoch: recovery.epoch,
        state: stateOf(hosted),
        recoveryJson: toJson(recovery) ?? '',
        messageBytesMax: MESSAGE_BYTES_MAX,
        windowChanges: WINDOW_CHANGES,
      };
      const session = new LogSession(this.name, id, hosted, opened);
      this.#session = session;
      hosted.log.events.on('sync', ({ ms }) => this.#onSync?.(this.name, ms));
      hosted.log.events.on('failed', () => {
        // Only the next open tells what is there: nobody has to ask for it to be possible.
        void this.#inTurn(() => this.#end(session, failedSession(this.name), null));
      });
      return opened;
    });
  }

  /** Ends the session, if it is this one still; whichever there is, where none is given: the server ends. */
  close(given?: Session): Promise<void> {
    return this.#inTurn(async () => {
      const session = this.#session;
      if (session === null || (given !== undefined && session.id !== identityText(given.id))) return;
      await this.#end(session, endedError(this.name), null);
    });
  }

  /** Reads the log: of the session that asks, or, for a stranger, of whoever has it, or as it lies there. */
  reading<T>(given: Session | undefined, read: (hosted: HostedLog) => AsyncIterable<T, void>): Reading<T> {
    return new Reading(() => this.#lend(given), read);
  }

  /** One look at whatever there is. */
  async readOnce<T>(read: (hosted: HostedLog) => T | Promise<T>): Promise<T> {
    const loan = this.#lend(undefined);
    try {
      return await read(await loan.hosted);
    } catch (error) {
      throw loan.toldOf(error);
    } finally {
      await loan.giveBack();
    }
  }

  #lend(given: Session | undefined): Loan {
    const session = given === undefined ? this.#session : this.sessionOf(given);
    const look = session === null ? (this.#look ??= this.#beginLook()) : null;
    this.#uses += 1;
    if (look !== null) look.readers += 1;
    return {
      hosted: session?.hosted ?? (look as Look).hosted,
      giveBack: async () => {
        this.#uses -= 1;
        if (look !== null) await this.#leaveLook(look);
      },
      // Its log is closed then, which is not the reader's doing.
      toldOf: (error) => {
        const ended = session?.ended ?? null;
        if (ended === null) return error;
        return given === undefined ? endedError(this.name) : ended;
      },
    };
  }

  /**
   * Shared by those that ask before it is open: what an open takes is not taken once for each of a crowd. Where there are
   * very many by readers that take their time, the last of this log is shared longer.
   */
  #beginLook(): Look {
    if (this.#looks.count >= LOOKS_MAX) {
      if (this.#lastLook !== null) return this.#lastLook;
      throw tooMany('looks at logs without a session', LOOKS_MAX);
    }
    this.#looks.count += 1;
    const look = { readers: 0, hosted: this.#source.open(this.name, { readOnly: true, create: 'never' }) };
    const forget = (): void => {
      if (this.#look === look) this.#look = null;
    };
    look.hosted.then(forget, forget);
    this.#lastLook = look;
    return look;
  }

  async #leaveLook(look: Look): Promise<void> {
    look.readers -= 1;
    if (look.readers > 0) return;
    if (this.#lastLook === look) this.#lastLook = null;
    await look.hosted
      .then(
        ({ log }) => log.close(),
        () => undefined,
      )
      .finally(() => {
        this.#looks.count -= 1;
      });
  }

  /** Compacts for an operator, which no session must see happen. */
  compactUnattached(upTo: number): Promise<{ readonly bytesFreed: number }> {
    return this.#opening(async () => {
      if (this.#session !== null) throw ownersAffair(this.name, this.#session.epoch);
      const { log } = await this.#source.open(this.name, { create: 'never' });
      try {
        return await log.compact(upTo);
      } finally {
        await log.close();
      }
    });
  }

  async #end(session: LogSession, why: KeelsonError, event: 'fenced' | null): Promise<void> {
    await session.end(why, event);
    if (this.#session === session) this.#session = null;
  }

  /** Counted from the call on: many that begin at one time must not all find that there is room. */
  #opening<T>(run: () => Promise<T>): Promise<T> {
    this.#openings += 1;
    return this.#inTurn(run).finally(() => {
      this.#openings -= 1;
    });
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    this.#uses += 1;
    // What was begun before is no look at what comes of this.
    this.#look = null;
    this.#lastLook = null;
    const ran = this.#turn.then(run).finally(() => {
      this.#uses -= 1;
    });
    this.#turn = ran.catch(() => undefined);
    return ran;
  }
}

/** What a log holds, as it travels. */
export function stateOf(hosted: HostedLog): LogState {
  const { log } = hosted;
  return stateMessage(log, hosted.termRuns(), hosted.durableLsn());
}

/** The log failed under the session: what it sent is decided by the next Open. */
function failedSession(name: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_FAILED',
    `the log ${name} failed under its session. What became of changes without an answer, its next Open tells.`,
    { argument: 'session' },
  );
}

function optionsOf(options: OpenOptions | undefined): HostedOptions {
  if (options === undefined) return {};
  const { neverCreate, segmentBytes, batchBytesMax, snapshotsKept, checksOff, verifyAll } = options;
  return {
    ...(neverCreate ? { create: 'never' } : {}),
    ...given({ segmentBytes, batchBytesMax, snapshotsKept }),
    ...(checksOff ? { checks: 'off' } : {}),
    ...(verifyAll ? { verifyOnOpen: 'all' } : {}),
  };
}
