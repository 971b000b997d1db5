import { isKeelsonError } from '../../src/errors/index.js';
import type {
  CreateSnapshotRequest,
  Entry,
  HardStateChange,
  InstallSnapshotRequest,
  RaftLog,
  SaveRequest,
  SnapshotData,
} from '../../src/raft-log/contract.js';
import { AllowedStates } from '../crash/allowed-states.js';
import { PlainLog, portraitOf } from './plain-log.js';

type Change = (state: PlainLog) => PlainLog;

/** A snapshot that streams beside saves: it may count before or after any of them. */
interface Floating {
  readonly change: Change;
  /** Acknowledged: from now on it counts in every state. */
  isDone: boolean;
}

/** What a Raft log promised, kept outside of it; see {@link AllowedStates}. */
export class RaftMemory {
  #states: AllowedStates<PlainLog> = new AllowedStates(new PlainLog());
  #floating: Floating | null = null;
  #salt = 0;
  readonly #underWay = new Set<Promise<unknown>>();

  /** The log once everything issued has succeeded. */
  get newest(): PlainLog {
    return this.#counting(this.#states.newest);
  }

  /** What a verdict depends on. */
  get key(): string {
    return [...this.#allowed, this.newest].map(({ portrait }) => portrait).join(';');
  }

  #counting(state: PlainLog): PlainLog {
    return this.#floating === null ? state : this.#floating.change(state);
  }

  get #allowed(): readonly PlainLog[] {
    const { all } = this.#states;
    if (this.#floating === null) return all;
    const counted = all.map((state) => this.#counting(state));
    return this.#floating.isDone ? counted : [...all, ...counted];
  }

  /** Entries that follow the newest state, of these sizes; no two ever made have the same bytes. */
  entries(sizes: readonly number[], term: number, from: number = this.newest.lastIndex + 1): Entry[] {
    return sizes.map((size, at) => ({
      index: from + at,
      term,
      kind: (from + at) % 256,
      data: this.bytes(size),
    }));
  }

  /** Bytes that were never made before, where `size` allows. */
  bytes(size: number): Uint8Array {
    this.#salt += 1;
    const salt = this.#salt;
    return Uint8Array.from(
      { length: size },
      (_, at) => (at < 4 ? salt >>> (8 * at) : salt * 31 + at * 7) & 255,
    );
  }

  save(log: RaftLog, request: SaveRequest): Promise<void> {
    return this.#issue(
      (state) => state.save(request),
      () => log.save(request),
    );
  }

  append(log: RaftLog, sizes: readonly number[], hardState: HardStateChange = {}): Promise<void> {
    const term = hardState.term ?? this.newest.hardState.term;
    return this.save(log, { entries: this.entries(sizes, term), hardState });
  }

  compact(log: RaftLog, upTo: number): Promise<void> {
    return this.#issue(
      (state) => state.compact(upTo),
      () => log.compact(upTo),
    );
  }

  createSnapshot(log: RaftLog, index: number, size: number): Promise<void> {
    const request = { index, conf: this.bytes(index % 9), data: this.bytes(size) };
    return this.#issue(
      (state) => state.createSnapshot(request),
      () => log.createSnapshot(streamed(request)),
    );
  }

  installSnapshot(
    log: RaftLog,
    install: Omit<InstallSnapshotRequest, 'conf' | 'data'>,
    size: number,
  ): Promise<void> {
    const request = { ...install, conf: this.bytes(3), data: this.bytes(size) };
    return this.#issue(
      (state) => state.installSnapshot(request),
      () => log.installSnapshot(streamed(request)),
    );
  }

  /** A snapshot of its own, taken while `beside` saves; those saves must not drop its entry. */
  async createSnapshotBeside(
    log: RaftLog,
    index: number,
    size: number,
    beside: () => Promise<void>,
  ): Promise<void> {
    const request = { index, conf: this.bytes(5), data: this.bytes(size) };
    const floating: Floating = { change: (state) => state.createSnapshot(request), isDone: false };
    this.#floating = floating;
    const taken = log.createSnapshot(streamed(request)).then(
      () => {
        floating.isDone = true;
      },
      (error: unknown) => {
        if (isKeelsonError(error, 'KEELSON_NO_SPACE')) this.#floating = null;
        throw error;
      },
    );
    await Promise.all([this.#watch(taken), beside()]);
    this.#fold();
  }

  /** The floating snapshot counts for good: it becomes part of the states. */
  #fold(): void {
    const [first, ...rest] = this.#states.all.map((state) => this.#counting(state));
    this.#states = new AllowedStates(first as PlainLog);
    for (const state of rest) this.#states.issue(state);
    this.#floating = null;
  }

  #issue(change: Change, call: () => Promise<unknown>): Promise<void> {
    const state = change(this.#states.newest);
    this.#states.issue(state);
    return this.#watch(
      call().then(
        () => {
          // A compaction ends after its record, so a later save may have been acknowledged before it.
          if (this.#states.all.includes(state)) this.#states.acknowledge(state);
        },
        (error: unknown) => {
          // Of all other failures of the disk the fate is unknown.
          if (isKeelsonError(error, 'KEELSON_NO_SPACE')) this.#states.refuse(state);
          throw error;
        },
      ),
    );
  }

  #watch(done: Promise<void>): Promise<void> {
    this.#underWay.add(done);
    const forget = (): void => void this.#underWay.delete(done);
    done.then(forget, forget);
    return done;
  }

  /** Resolves when nothing is under way any more, whatever became of it. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  /** Holds what a log shows against what is allowed; of a log that failed, the promise does not change by it. */
  async observe(log: RaftLog): Promise<PlainLog> {
    const shown = await portraitOf(log);
    const found = this.#allowed.find(({ portrait }) => portrait === shown);
    if (found !== undefined) return found;
    const allowed = this.#allowed.map(({ portrait }) => `\n    ${portrait}`).join('');
    throw new Error(`it shows\n    ${shown}\n  allowed is${allowed}`);
  }

  /** As {@link observe}, where nothing is under way: what the log shows is the promise from then on. */
  async judge(log: RaftLog): Promise<void> {
    this.#states = new AllowedStates(await this.observe(log));
    this.#floating = null;
  }

  clone(): RaftMemory {
    const copy = new RaftMemory();
    copy.#states = this.#states.clone();
    copy.#floating = this.#floating === null ? null : { ...this.#floating };
    copy.#salt = this.#salt;
    return copy;
  }
}

/** The same request with its data in pieces. */
function streamed<R extends CreateSnapshotRequest | InstallSnapshotRequest>(request: R): R {
  return { ...request, data: pieces(request.data) };
}

async function* pieces(data: SnapshotData): AsyncGenerator<Uint8Array> {
  const bytes = data as Uint8Array;
  const third = Math.max(1, Math.ceil(bytes.length / 3));
  for (let at = 0; at < bytes.length; at += third) yield bytes.subarray(at, at + third);
}
