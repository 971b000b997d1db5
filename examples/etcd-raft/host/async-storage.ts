import { type Entry, isKeelsonError, type RaftLog, type SnapshotData } from '../../../src/index.js';
import type { LogStorage, SnapshotHead } from './log-storage.js';

/** The engine's wish to write (MsgStorageAppend), or to apply (MsgStorageApply). */
export interface StorageWork {
  readonly entries: readonly Entry[];
  /** Null: unchanged. */
  readonly hardState: { readonly term: number; readonly vote: string | null; readonly commit: number } | null;
  readonly snapshot: SnapshotHead | null;
  /** Messages to be delivered once this is done, to the engine itself or to peers. */
  readonly responses: readonly Uint8Array[];
}

/** What an engine wants done, in this order. */
export interface Round {
  readonly outgoing: readonly Uint8Array[];
  readonly appends: readonly StorageWork[];
  readonly applies: readonly StorageWork[];
  /** Answers to questions for an index at which to read. */
  readonly readStates: readonly { readonly context: string; readonly index: number }[];
}

/** A Raft that writes by messages, as etcd-io/raft with AsyncStorageWrites. */
export interface AsyncRaft {
  /** The last entry that the state machine has taken, and the last that it may take. */
  readonly applied: number;
  readonly committed: number;
  hasReady(): boolean;
  ready(): Round;
  /** Takes a message; what it does not want it drops. */
  step(message: Uint8Array): void;
  /** The configuration after a committed entry; null where that changes none. */
  applyConfChange(entry: Entry): Uint8Array | null;
}

/** The server around it. */
export interface AsyncHost {
  apply(entries: readonly Entry[]): void;
  /** A round is under way and its entries are applied. */
  handled(round: Pick<Round, 'readStates'>): void;
  /** The engine has come to rest. */
  turned?(): void;
  /** The data of the snapshot that the engine was given. */
  incomingData(): SnapshotData;
  /** The log's newest snapshot came from a leader: put the state machine to it. */
  installed(): Promise<void>;
  failed(error: unknown): void;
  /** It goes on, but the log has no room. */
  troubled(error: unknown): void;
}

export interface AsyncStorageParts {
  readonly raft: AsyncRaft;
  readonly log: RaftLog;
  /** What the engine asks of the log. */
  readonly storage: LogStorage;
  readonly host: AsyncHost;
  /** Hands messages to the network, and gives back those that are for the engine itself. */
  readonly send: (messages: readonly Uint8Array[]) => readonly Uint8Array[];
}

/** The loop around an engine and its log: what it wants written is answered when it is durable, and not before. */
export class AsyncStorage {
  readonly #parts: AsyncStorageParts;
  #isStopped = false;
  #isWoken = false;
  /** Resolves when the install under way is over. */
  #installing: Promise<void> | null = null;
  /** What the log had no room for, and all that was wanted since; null while it has. */
  #refused: StorageWork[] | null = null;
  /** What happened while the engine slept. */
  #asleep: (() => void)[] | null = null;

  constructor(parts: AsyncStorageParts) {
    this.#parts = parts;
    parts.log.events.on('space-back', () => {
      this.#writeRefused();
    });
  }

  get isRunning(): boolean {
    return !this.#isStopped;
  }

  /** The log takes nothing until it finds room again. */
  get isFull(): boolean {
    return this.#refused !== null;
  }

  /** False while it waits for a page of the log: it must then be asked nothing, and no time passes for it. */
  get isAwake(): boolean {
    return this.#asleep === null;
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Lets something happen to the engine, and does what it then wants done. */
  feed(happen: () => void): void {
    if (this.#isStopped) return;
    if (this.#sleepsForPage()) {
      this.#asleep?.push(happen);
      return;
    }
    try {
      happen();
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#wake();
  }

  /** Asks the engine something that it answers at once; null while it sleeps. */
  ask<T>(question: () => T): T | null {
    let answer: T | null = null;
    if (!this.#sleepsForPage())
      this.feed(() => {
        answer = question();
      });
    return answer;
  }

  /** What happened in one turn of the event loop is answered by one round, and its saves share a sync. */
  #wake(): void {
    if (this.#isWoken) return;
    this.#isWoken = true;
    setImmediate(() => {
      this.#isWoken = false;
      try {
        this.#round();
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  #round(): void {
    const { raft, host } = this.#parts;
    while (!this.#isStopped && !this.#sleepsForPage() && raft.hasReady()) this.#carryOut(raft.ready());
    if (!this.#isStopped) host.turned?.();
  }

  #carryOut({ outgoing, appends, applies, readStates }: Round): void {
    this.#deliver(outgoing);
    for (const work of appends) this.#append(work);
    for (const work of applies) this.#apply(work);
    this.#parts.host.handled({ readStates });
  }

  /** Not awaited: the log writes them in the order of these calls, and those of one turn with one sync. */
  #append(work: StorageWork): void {
    if (this.#refused !== null) {
      this.#refused.push(work);
      return;
    }
    // Entries behind a snapshot join the log as the install will leave it, so they wait until it is over.
    const written = this.#installing?.then(() => this.#write(work)) ?? this.#write(work);
    if (work.snapshot !== null) this.#hold(written);
    written.then(
      () => {
        this.feed(() => {
          this.#deliver(work.responses);
        });
      },
      (error: unknown) => {
        this.#refuse(work, error);
      },
    );
  }

  /**
   * Nothing is there of what the log had no room for, nor of what was queued behind it, which comes here next, in order. To
   * the engine this is a slow disk: all of it is written again, and only then answered, when there is room.
   */
  #refuse(work: StorageWork, error: unknown): void {
    if (!isKeelsonError(error, 'KEELSON_NO_SPACE') || work.snapshot !== null) {
      this.#fail(error);
      return;
    }
    if (this.#refused === null) this.#parts.host.troubled(error);
    (this.#refused ??= []).push(work);
  }

  #writeRefused(): void {
    const refused = this.#refused ?? [];
    this.#refused = null;
    for (const work of refused) this.#append(work);
  }

  #hold(install: Promise<void>): void {
    const over = install.then(() => {
      if (this.#installing === over) this.#installing = null;
    });
    this.#installing = over;
    over.catch(() => undefined); // told where its append is
  }

  async #write({ entries, hardState, snapshot }: StorageWork): Promise<void> {
    const { log, storage, host } = this.#parts;
    const { term, vote } = log.accepted.hardState;
    const isPromise =
      entries.length > 0 || (hardState !== null && (hardState.term !== term || hardState.vote !== vote));
    if (snapshot !== null) {
      const data = host.incomingData();
      await log.installSnapshot({ ...snapshot, data, ...(hardState === null ? {} : { hardState }) });
      storage.conf = snapshot.conf;
      await host.installed();
      if (entries.length > 0) await log.save({ entries });
    } else if (isPromise || isUnfit(log)) {
      await log.save(hardState === null ? { entries } : { entries, hardState });
    } else {
      // A commit index alone owes no sync: it comes again. Its answers wait all the same for what was written before.
      await log.save({});
    }
  }

  #apply({ entries, responses }: StorageWork): void {
    const { raft, storage, host } = this.#parts;
    for (const entry of entries) storage.conf = raft.applyConfChange(entry) ?? storage.conf;
    host.apply(entries);
    this.#deliver(responses);
  }

  #deliver(messages: readonly Uint8Array[]): void {
    const { raft, send } = this.#parts;
    for (const message of send(messages)) raft.step(message);
  }

  /**
   * What is committed and not applied the engine reads without asking whether it may, and ends where it is not there: the
   * next of it is brought into memory first. So it is after a start, and where a follower was told late of a long commit.
   */
  #sleepsForPage(): boolean {
    if (this.#asleep !== null) return true;
    const { raft, storage } = this.#parts;
    const next = raft.applied + 1;
    if (next > raft.committed || !storage.isCold(next)) return false;
    this.#asleep = [];
    storage.load(next).then(
      () => {
        const happened = this.#asleep ?? [];
        this.#asleep = null;
        for (const happen of happened) this.feed(happen);
        this.feed(() => undefined);
      },
      (error: unknown) => {
        this.#fail(error);
      },
    );
    return true;
  }

  #fail(error: unknown): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#parts.host.failed(error);
  }
}

/** The log may have lost what it acknowledged: until it knows a commit index beyond that, the server must not vote. */
export function isUnfit(log: RaftLog): boolean {
  return log.hardState.commit < log.unfitUntil;
}
