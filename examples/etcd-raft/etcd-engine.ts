import type { ConfChange, Proposal, Role, SnapshotChunk, SnapshotId } from '../../sim/raft/index.js';
import type {
  Engine,
  EngineParts,
  EngineStatus,
  ForeignMessage,
  MakeEngine,
  PeerMessage,
} from '../kv/host/engine.js';
import { ConfState, Head } from './generated/keelson/examples/etcdraft/v1/engine.js';
import { AsyncStorage, isUnfit } from './host/async-storage.js';
import { LogStorage } from './host/log-storage.js';
import { Names } from './host/names.js';
import { SnapshotSending } from './host/snapshot-sending.js';
import { CONF_CHANGE, type EngineModule, WasmRaft } from './host/wasm-raft.js';

/** raftpb.MessageType: those that are looked at. */
const TYPE = { vote: 5, voteResponse: 6, snapshot: 7, timeoutNow: 14, preVote: 17 } as const;
const ASKS_FOR_VOTE: ReadonlySet<number> = new Set([TYPE.vote, TYPE.preVote, TYPE.timeoutNow]);
/** raft.StateType. */
const ROLES: readonly Role[] = ['follower', 'candidate', 'leader', 'pre-candidate'];
const LEADER: number = ROLES.indexOf('leader');
const NO_MEMBERS: EngineStatus['members'] = new Map();
const CHANGES = {
  'add-voter': CONF_CHANGE.addNode,
  'add-learner': CONF_CHANGE.addLearner,
  remove: CONF_CHANGE.removeNode,
} as const;

/** Nodes of examples/kv on etcd-io/raft; `module` is what `compileEngine` gave. */
export function etcdEngine(module: EngineModule): MakeEngine {
  return (parts) => new EtcdEngine(module, parts);
}

/** What a node asks and is told, in the words of an etcd-io/raft. */
class EtcdEngine implements Engine {
  readonly #parts: EngineParts;
  readonly #names: Names;
  readonly #storage: LogStorage;
  readonly #raft: WasmRaft;
  readonly #loop: AsyncStorage;
  readonly #sending: SnapshotSending;
  /** The snapshot that is coming in, and how much of it is there. */
  #incoming: (SnapshotId & { readonly from: string; offset: number; isWhole: boolean }) | null = null;

  constructor(module: EngineModule, parts: EngineParts) {
    const { id, log, host, appliedIndex, conf, founders } = parts;
    const { hardState } = log;
    this.#parts = parts;
    this.#names = new Names(parts.members);
    this.#storage = new LogStorage(log, conf ?? new Uint8Array(0), () => {
      // Not now: the engine is in the middle of a question.
      setImmediate(() => {
        if (this.isRunning) host.snapshotWanted();
      });
    });
    // To make the log and to begin the cluster are two steps. Whether the second was taken tells the log, not its being new.
    const isEmpty = log.lastIndex === 0 && log.snapshot === null && hardState.term === 0;
    this.#raft = new WasmRaft(module, this.#storage, this.#names, {
      id,
      applied: appliedIndex,
      hardState,
      conf: this.#storage.conf,
      founders: isEmpty ? founders : [],
    });
    const send = (messages: readonly Uint8Array[]): readonly Uint8Array[] => this.#send(messages);
    this.#loop = new AsyncStorage({ raft: this.#raft, log, storage: this.#storage, host, send });
    for (const event of ['stalled', 'no-space'] as const) {
      log.events.on(event, () => {
        this.#handOver();
      });
    }
    this.#sending = new SnapshotSending(
      id,
      log,
      (message) => {
        host.send([message]);
      },
      (to, isDone) => {
        this.#loop.feed(() => {
          this.#raft.reportSnapshot(to, isDone);
        });
      },
    );
    this.#loop.feed(() => undefined);
  }

  get isRunning(): boolean {
    return this.#loop.isRunning;
  }

  get status(): EngineStatus {
    const { id, log } = this.#parts;
    const { role, lead, term, commit } = this.#raft.status;
    const { voters, learners } = ConfState.decode(this.#storage.conf);
    const named = (one: number): string => this.#names.find(one) ?? one.toString(16);
    const raft = this.#raft;
    const isLeading = role === LEADER && this.isRunning;
    return {
      id,
      role: ROLES[role] ?? 'follower',
      term,
      leader: lead === 0 ? null : named(lead),
      commit,
      firstIndex: log.firstIndex,
      lastIndex: log.accepted.lastIndex,
      storageState: this.#loop.isFull ? 'full' : 'open',
      configuration: { voters: voters.map(named).sort(), learners: learners.map(named).sort() },
      get members() {
        return isLeading ? raft.progress() : NO_MEMBERS;
      },
    };
  }

  conf = (): Uint8Array => this.#storage.conf;

  step(message: PeerMessage): void {
    if (message.type === 'snapshot-chunk') this.#keep(message);
    else if (message.type === 'snapshot-response')
      this.#sending.answered(message.from, message.snapshot, message.offset);
    else if (message.type === 'foreign' && this.#isWelcome(message))
      this.#loop.feed(() => {
        this.#raft.step(message.bytes);
      });
  }

  tick(): void {
    this.#sending.tick();
    // Time that passes while it waits for the disk would make it campaign before it knows what it holds.
    if (!this.#loop.isAwake || isUnfit(this.#parts.log)) return;
    this.#loop.feed(() => {
      this.#raft.tick();
    });
  }

  unreachable(peer: string): void {
    this.#sending.lost(peer);
    this.#loop.feed(() => {
      this.#raft.reportUnreachable(peer);
    });
  }

  propose(command: Uint8Array): Proposal {
    const { role, leader, term } = this.status;
    if (role !== 'leader') return { ok: false, reason: 'not-leader', leader };
    const index = this.#loop.ask(() => this.#raft.propose(command));
    return index === null ? { ok: false, reason: 'overloaded', leader } : { ok: true, index, term };
  }

  readIndex(context: string): string | null {
    if (this.#raft.status.lead === 0) return 'no-leader';
    this.#loop.feed(() => {
      this.#raft.readIndex(context);
    });
    return null;
  }

  /** Of several, a joint change (dissertation §4.3), which etcd-io/raft ends by itself. */
  change(changes: readonly ConfChange[]): void {
    const all = changes.map(({ op, id }) => ({ type: CHANGES[op], nodeId: this.#names.idOf(id) }));
    this.#loop.ask(() => this.#raft.proposeConfChange({ changes: all }));
  }

  async stop(): Promise<void> {
    this.#loop.stop();
    await this.#sending.stop();
  }

  /** Its disk does not answer, or is full: a leader lets another lead, who has nearly all. */
  #handOver(): void {
    const { role, configuration, members } = this.status;
    if (role !== 'leader') return;
    const matchOf = (name: string): number => members.get(name)?.match ?? 0;
    const others = configuration.voters.filter((name) => name !== this.#parts.id);
    const [best] = others.sort((a, b) => matchOf(b) - matchOf(a));
    if (best === undefined) return;
    this.#loop.feed(() => {
      this.#raft.transferLeader(best);
    });
  }

  /** What is for this server itself comes back; a vote is shown to who watches. A snapshot's message waits for its data. */
  #send(messages: readonly Uint8Array[]): readonly Uint8Array[] {
    const { id, host } = this.#parts;
    const own: Uint8Array[] = [];
    const others: ForeignMessage[] = [];
    for (const bytes of messages) {
      const { type, to: number, term, reject, snapshot } = Head.decode(bytes);
      const to = this.#names.find(number);
      if (to === undefined) continue; // as if it were lost: nobody knows the way
      const message: ForeignMessage = { type: 'foreign', from: id, to, term, bytes };
      // A vote for itself is an answer to itself, behind its save. The request goes out before, and promises nothing.
      const isVote = type === TYPE.voteResponse && !reject;
      if (to === id) own.push(bytes);
      if (type === TYPE.snapshot) this.#sendSnapshot(message, snapshot?.metadata);
      else if (isVote) others.push({ ...message, vote: { term, candidate: to } });
      else if (to !== id) others.push(message);
    }
    host.send(others);
    return own;
  }

  #sendSnapshot(message: ForeignMessage, promised: SnapshotId | undefined): void {
    if (promised === undefined) return;
    this.#sending.start(message.to, { index: promised.index, term: promised.term }, () => {
      this.#parts.host.send([message]);
    });
  }

  /** Whether a message may reach the engine now. */
  #isWelcome({ from, bytes }: ForeignMessage): boolean {
    const { type, snapshot } = Head.decode(bytes);
    if (ASKS_FOR_VOTE.has(type)) return !isUnfit(this.#parts.log);
    if (type !== TYPE.snapshot) return true;
    const { index, term } = snapshot?.metadata ?? { index: 0, term: 0 };
    const incoming = this.#incoming;
    return (
      incoming?.isWhole === true &&
      incoming.from === from &&
      incoming.index === index &&
      incoming.term === term
    );
  }

  #keep({ from, term, snapshot: { index, term: snapshotTerm }, ...piece }: SnapshotChunk): void {
    const { id, host } = this.#parts;
    const { offset, data, isLast } = piece;
    const snapshot = { index, term: snapshotTerm };
    if (offset === 0) this.#incoming = { from, ...snapshot, offset, isWhole: false };
    const incoming = this.#incoming;
    const isNext = incoming?.from === from && incoming.index === index && incoming.offset === offset;
    if (incoming === null || !isNext) return;
    host.keepPiece({ ...piece, snapshot: { ...snapshot, conf: new Uint8Array(0) } });
    incoming.offset += data.length;
    incoming.isWhole = isLast;
    host.send([{ type: 'snapshot-response', from: id, to: from, term, snapshot, offset: incoming.offset }]);
  }
}
