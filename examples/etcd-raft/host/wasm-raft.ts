import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { WASI } from 'node:wasi';
import type { Entry, HardState } from '../../../src/index.js';
import {
  ConfChange,
  ConfState,
  Entry as EntryOnWire,
  Ready,
  Snapshot,
  StorageMessage,
} from '../generated/keelson/examples/etcdraft/v1/engine.js';
import type { AsyncRaft, Round, StorageWork } from './async-storage.js';
import type { LogStorage, Refused } from './log-storage.js';
import type { Names } from './names.js';

/** The part of JavaScript's WebAssembly that is used here: its types come with those of browsers, which Node has not. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => EngineModule;
  readonly Instance: new (module: EngineModule, imports: unknown) => { readonly exports: unknown };
}

const { WebAssembly: webAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyApi };

/** The engine, compiled: any number of servers are made of it. */
export interface EngineModule {
  readonly isEngine?: never;
}

/** raftpb.ConfChangeType. */
export const CONF_CHANGE = { addNode: 0, removeNode: 1, addLearner: 3 } as const;

/** What the module exports, see engine/main.go; bytes are put where `buffer` says, and come back through `give`. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  buffer(size: number): number;
  start(id: bigint, applied: bigint): number;
  bootstrap(size: number): void;
  tick(): void;
  step(size: number): void;
  propose(size: number): bigint;
  proposeConfChange(size: number): bigint;
  applyConfChange(size: number): void;
  readIndex(size: number): void;
  transferLeader(to: bigint): void;
  reportUnreachable(id: bigint): void;
  reportSnapshot(id: bigint, isFinished: number): void;
  applied(): bigint;
  committed(): bigint;
  status(): void;
  hasReady(): number;
  ready(): void;
}

export interface RaftStart {
  readonly id: string;
  readonly applied: number;
  readonly hardState: HardState;
  /** A ConfState, as of `applied`. */
  readonly conf: Uint8Array;
  /** Only where the log is empty: the first members of the cluster. */
  readonly founders: readonly string[];
}

/** Compiles the module that `build-engine.ts` made; the one part that takes long. */
export function compileEngine(path: string): EngineModule {
  return new webAssembly.Module(readFileSync(path));
}

/** An etcd-io/raft of its own, in WebAssembly: each call is one of raft.RawNode. What it throws, it does not survive. */
export class WasmRaft implements AsyncRaft {
  readonly #engine: Exports;
  readonly #names: Names;
  /** In front of each question for an index: the leader forgets one that comes twice, from whomever. */
  readonly #asker = `${randomUUID()}/`;
  /** As of the last `ready`; ids are numbers here, and 0 is nobody. */
  status: Pick<Ready, 'role' | 'lead' | 'term' | 'commit'>;
  /** The last bytes that came out. */
  #given: Uint8Array = new Uint8Array(0);
  /** The answer that the engine has been told the length of. */
  #answer: Uint8Array = new Uint8Array(0);

  constructor(module: EngineModule, storage: LogStorage, names: Names, start: RaftStart) {
    const { id, applied, hardState, founders } = start;
    this.#names = names;
    this.status = { role: 0, lead: 0, term: hardState.term, commit: hardState.commit };
    const wasi = new WASI({ version: 'preview1', returnOnExit: false });
    const imports = { keelson: this.#imports(storage, start), wasi_snapshot_preview1: wasi.wasiImport };
    const instance = new webAssembly.Instance(module, imports);
    this.#engine = instance.exports as Exports;
    wasi.initialize(instance);
    this.#engine.start(BigInt(names.idOf(id)), BigInt(applied));
    if (founders.length === 0) return;
    const voters = founders.map((name) => names.idOf(name)).sort((a, b) => a - b);
    this.#engine.bootstrap(this.#put(ConfState.encode({ voters, learners: [] }).finish()));
  }

  get applied(): number {
    return Number(this.#engine.applied());
  }

  get committed(): number {
    return Number(this.#engine.committed());
  }

  hasReady(): boolean {
    return this.#engine.hasReady() !== 0;
  }

  ready(): Round {
    this.#engine.ready();
    const ready = Ready.decode(this.#given);
    this.status = ready;
    return {
      outgoing: ready.outgoing,
      appends: ready.appends.map((message) => this.#workOf(message)),
      applies: ready.applies.map((message) => this.#workOf(message)),
      readStates: ready.readStates.map(({ index, context }) => ({
        index,
        context: Buffer.from(context).toString().slice(this.#asker.length),
      })),
    };
  }

  tick(): void {
    this.#engine.tick();
  }

  step(message: Uint8Array): void {
    this.#engine.step(this.#put(message));
  }

  /** The index of the entry that it became; null where it was dropped. */
  propose(data: Uint8Array): number | null {
    return placeOf(this.#engine.propose(this.#put(data)));
  }

  proposeConfChange(change: ConfChange): number | null {
    return placeOf(this.#engine.proposeConfChange(this.#put(ConfChange.encode(change).finish())));
  }

  applyConfChange({ kind = 0, ...entry }: Entry): Uint8Array | null {
    if (kind === 0) return null;
    this.#engine.applyConfChange(this.#put(EntryOnWire.encode({ ...entry, type: kind }).finish()));
    return this.#given;
  }

  readIndex(context: string): void {
    this.#engine.readIndex(this.#put(Buffer.from(this.#asker + context)));
  }

  transferLeader(to: string): void {
    this.#engine.transferLeader(this.#idOf(to));
  }

  reportUnreachable(name: string): void {
    this.#engine.reportUnreachable(this.#idOf(name));
  }

  reportSnapshot(name: string, isFinished: boolean): void {
    this.#engine.reportSnapshot(this.#idOf(name), isFinished ? 1 : 0);
  }

  /** Of a leader: up to where each member holds the log. */
  progress(): ReadonlyMap<string, { readonly match: number }> {
    this.#engine.status();
    const { progress } = JSON.parse(Buffer.from(this.#given).toString()) as {
      progress: Record<string, { readonly match: number }>;
    };
    const named = ([id, { match }]: [string, { readonly match: number }]) =>
      [this.#names.find(Number.parseInt(id, 16)) ?? id, { match }] as const;
    return new Map(Object.entries(progress).map(named));
  }

  #idOf(name: string): bigint {
    return BigInt(this.#names.idOf(name));
  }

  #workOf({ entries, term, vote, commit, snapshot, responses }: StorageMessage): StorageWork {
    const { index = 0, term: snapshotTerm = 0, confState = EMPTY } = snapshot?.metadata ?? {};
    return {
      entries: entries.map(({ type, ...entry }) => ({ ...entry, kind: type })),
      hardState:
        term === undefined || term === 0
          ? null
          : { term, vote: vote === 0 ? null : this.#names.nameOf(vote), commit },
      snapshot: index === 0 ? null : { index, term: snapshotTerm, conf: confState },
      responses,
    };
  }

  /** Nothing of the module may run between this and the call that the bytes are for. */
  #put(bytes: Uint8Array): number {
    const at = this.#engine.buffer(bytes.length);
    new Uint8Array(this.#engine.memory.buffer).set(bytes, at);
    return bytes.length;
  }

  #imports(storage: LogStorage, { hardState, conf }: RaftStart): Record<string, unknown> {
    const answer = (bytes: Uint8Array): number => {
      this.#answer = bytes;
      return bytes.length;
    };
    const work = { entries: [], responses: [], commit: 0, vote: 0 };
    return {
      firstIndex: () => BigInt(storage.firstIndex),
      lastIndex: () => BigInt(storage.lastIndex),
      term: (index: bigint) => BigInt(storage.term(Number(index))),
      entries: (from: bigint, until: bigint, bytesMax: bigint) => {
        const found = storage.entries(Number(from), Number(until), numberOf(bytesMax));
        if (isRefused(found)) return found;
        const entries = found.map(({ kind = 0, ...entry }) => ({ ...entry, type: kind }));
        return answer(StorageMessage.encode({ ...work, entries, snapshot: undefined }).finish());
      },
      snapshot: () => {
        const found = storage.snapshot();
        if (isRefused(found)) return found;
        const { index, term, conf: confState } = found;
        return answer(Snapshot.encode({ metadata: { index, term, confState } }).finish());
      },
      initialState: () => {
        const snapshot = { metadata: { index: 0, term: 0, confState: conf } };
        const vote = hardState.vote === null ? 0 : this.#names.idOf(hardState.vote);
        return answer(StorageMessage.encode({ ...work, ...hardState, vote, snapshot }).finish());
      },
      take: (into: number) => {
        new Uint8Array(this.#engine.memory.buffer).set(this.#answer, into);
      },
      give: (from: number, size: number) => {
        this.#given = new Uint8Array(this.#engine.memory.buffer).slice(from, from + size);
      },
    };
  }
}

const EMPTY = new Uint8Array(0);

function isRefused(found: unknown): found is Refused {
  return typeof found === 'number';
}

function placeOf(index: bigint): number | null {
  return index === 0n ? null : Number(index);
}

/** 'No limit' is the largest number of 64 bits. */
function numberOf(bytes: bigint): number {
  return bytes < 0n || bytes > Number.MAX_SAFE_INTEGER ? Number.MAX_SAFE_INTEGER : Number(bytes);
}
