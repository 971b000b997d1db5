import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { isKeelsonError, openRaftLog, type Environment, type RaftLog } from '../../../src/index.js';
import { orderFaults } from '../disk/faults.js';
import { keptCalls } from '../judge/kept-calls.js';
import { showLog } from '../judge/shown-log.js';
import { logOptions, roomOf } from '../log-options.js';
import type { Call } from '../model/call.js';
import { after, type LogState } from '../model/model-log.js';
import { pastAtCut, type Past } from '../model/past.js';
import type { Random } from '../random.js';
import type { WrongEnvironment } from '../wrong/wrong-copy.js';
import { fill, giveRoom, isFilled } from './ballast.js';
import { makeCall } from './make-call.js';
import { nextRare, nextSave } from './next-call.js';
import { readNotes, type Notebook } from './notebook.js';
import type { WriterOrders } from './orders.js';

/** How often an open is tried again while the disk fails. */
const OPENS_MAX = 8;

/** How long a disk fails, at most. */
const FAULT_MS_MAX = 200;
/** Between two tries of an open. */
const REOPEN_MS = 60;

const ERRORS_A_CALL = { none: 0, some: 0.04, many: 0.08 } as const;

/**
 * A writer of one process: opens the log, holds what it shows against what it may show, and asks of it what a Raft
 * server asks, until it has made its calls, or is killed. What it saw and must not see is a note, too.
 */
export class Writer {
  readonly #orders: WriterOrders;
  readonly #notebook: Notebook;
  readonly #random: Random;
  readonly #wrong: WrongEnvironment;
  readonly #environment: Environment;
  readonly #first: Past;
  readonly #underWay = new Set<Promise<void>>();
  /** The log as it is with all that was asked of it. */
  #accepted: LogState | undefined;
  #hasFailed = false;

  constructor(
    orders: WriterOrders,
    given: {
      readonly notebook: Notebook;
      readonly random: Random;
      readonly wrong: WrongEnvironment;
      readonly environment: Environment;
      readonly past: Past;
    },
  ) {
    this.#orders = orders;
    this.#notebook = given.notebook;
    this.#random = given.random;
    this.#wrong = given.wrong;
    this.#environment = given.environment;
    this.#first = given.past;
  }

  async live(): Promise<void> {
    let callsLeft = this.#orders.calls;
    while (callsLeft > 0) {
      const log = await this.#open();
      if (log === null) return;
      const calls = Math.min(callsLeft, this.#random.between(5, 120));
      callsLeft -= calls;
      await this.#work(log, calls);
      await this.#settled();
      await log.close();
      // Opened while the disk still fails, a file system gives up for good more often than not.
      if (this.#hasFailed && this.#random.chance(0.8)) await wait(FAULT_MS_MAX);
    }
  }

  /** Null: the disk fails for good, as where the file system has shut itself down. */
  async #open(): Promise<RaftLog | null> {
    for (let tries = 0; tries < OPENS_MAX; tries += 1) {
      this.#notebook.note({ at: this.#notebook.records, what: 'opening' });
      try {
        this.#wrong.opening();
        const log = await openRaftLog({
          ...logOptions(this.#orders.log, this.#environment, this.#random.one(this.#orders.log.segmentKiB)),
          writeMode: this.#random.one(['auto', 'inline', 'background']),
        });
        this.#wrong.opened();
        await this.#look(log, this.#notebook.records);
        return log;
      } catch (error) {
        if (isKeelsonError(error) && error.family !== 'environment') throw error;
        if (tries === 2) giveRoom(roomOf(this.#orders.log));
        await wait(REOPEN_MS);
      }
    }
    return null;
  }

  /** What it shows must be a state that is allowed, and is owed from the moment of the answer. */
  async #look(log: RaftLog, at: number): Promise<void> {
    const past = pastAtCut(this.#first, readNotes(this.#orders.notes), Infinity);
    const judgement = keptCalls(await showLog(log), past);
    if ('difference' in judgement) throw new Error(judgement.difference);
    this.#notebook.note({ at, what: 'opened', kept: judgement.kept, more: judgement.kept > past.owed });
    this.#accepted = judgement.state;
    this.#hasFailed = false;
  }

  async #work(log: RaftLog, calls: number): Promise<void> {
    const random = this.#random;
    let underWayMax = random.one([1, 1, 2, 8, 48]);
    for (let left = calls; left > 0 && !this.#hasFailed; left -= 1) {
      if (random.chance(0.05)) underWayMax = random.one([1, 1, 2, 8, 48]);
      this.#disturbDisk();
      const rare = random.chance(0.12) ? await this.#rare() : null;
      if (this.#hasFailed) return;
      this.#ask(log, rare ?? nextSave(random, this.#state));
      if (rare !== null) await this.#settled();
      while (this.#underWay.size >= underWayMax) await Promise.race(this.#underWay);
      if (random.chance(0.3)) await turn();
    }
  }

  async #rare(): Promise<Call | null> {
    await this.#settled();
    return this.#hasFailed ? null : nextRare(this.#random, this.#state);
  }

  get #state(): LogState {
    if (this.#accepted === undefined) throw new Error('the log was not opened');
    return this.#accepted;
  }

  #ask(log: RaftLog, call: Call): void {
    const seq = this.#notebook.asked(call);
    this.#accepted = after(this.#state, call);
    const done = makeCall(log, call).then(
      () => this.#notebook.answered(seq),
      (error: unknown) => this.#refused(seq, error),
    );
    const told = done.finally(() => this.#underWay.delete(told));
    this.#underWay.add(told);
  }

  #refused(seq: number, error: unknown): void {
    const at = this.#notebook.records;
    if (!isKeelsonError(error) || error.family !== 'environment') {
      this.#notebook.note({ at, what: 'violation', text: `call ${seq} was refused: ${String(error)}` });
      process.exit(1);
    }
    if (error.code === 'KEELSON_NO_SPACE') {
      this.#notebook.note({ at, what: 'refused', seq, code: error.code });
      const past = pastAtCut(this.#first, readNotes(this.#orders.notes), Infinity);
      this.#accepted = past.calls.reduce((state, { call }) => after(state, call), past.base);
      return;
    }
    this.#notebook.note({ at, what: 'failed', seq, code: error.code });
    // Only an open decides what became of it.
    this.#hasFailed = true;
  }

  #disturbDisk(): void {
    const { errors, full, log, faults } = this.#orders;
    const dir = roomOf(log);
    const random = this.#random;
    const at = this.#notebook.records;
    if (random.chance(ERRORS_A_CALL[errors])) {
      const kind = random.one(['writes', 'writes', 'flushes', 'both'] as const);
      const ms = random.between(2, FAULT_MS_MAX);
      orderFaults(faults, kind, Date.now() + ms);
      this.#notebook.note({ at, what: 'disk', how: `fails ${kind}`, ms });
    }
    if (!full) return;
    const isFull = isFilled(dir);
    if (!random.chance(isFull ? 0.012 : 0.05)) return;
    if (isFull) giveRoom(dir);
    else fill(dir, random.one([0, 8 * 1024, 200 * 1024]));
    this.#notebook.note({ at, what: 'disk', how: isFull ? 'has room again' : 'is full' });
  }

  async #settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }
}
