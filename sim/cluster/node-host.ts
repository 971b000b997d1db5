import { isKeelsonError, KeelsonError } from '../../src/errors/index.js';
import type { Entry, RaftLog, SnapshotData } from '../../src/raft-log/contract.js';
import { judgeStalled } from '../oracle/judge-stalled.js';
import {
  type Message,
  type Raft,
  RaftDriver,
  type RaftHost,
  RaftInvariantError,
  type RaftStatus,
  type ReadState,
  type Ready,
  type ReadySave,
  type SnapshotPiece,
} from '../raft/index.js';
import { ClusterFinding } from './cluster-finding.js';
import { judgeOwnLog } from './judge-own-log.js';
import { judgeSent } from './judge-sent.js';
import { judgeStale } from './judge-stale.js';
import { LifeRules } from './life-rules.js';
import {
  describeState,
  lastIndexOf,
  type PendingPromise,
  type PromisedState,
  termAt,
} from './promised-log.js';
import type { LifeSeen } from './raft-rules.js';
import type { RegisterState } from './register-state.js';
import type { NodeHostParts } from './node-world.js';
import { SnapshotTaker } from './snapshot-taker.js';
import { Turns } from './turns.js';
import { WaitingClients } from './waiting-clients.js';

/** What a life is held to when it says it; the status is costly to ask for at each heartbeat. */
const JUDGED_BY_LIFE: ReadonlySet<Message['type']> = new Set<Message['type']>([
  'vote',
  'pre-vote-response',
  'timeout-now',
]);

/**
 * One life of a Raft under the published driver, which every host runs: clients, snapshots and a state around it, and
 * each step shown to the rules.
 */
export class NodeHost implements RaftHost {
  readonly raft: Raft;
  readonly log: RaftLog;
  readonly state: RegisterState;
  readonly taker: SnapshotTaker;
  readonly #parts: NodeHostParts;
  readonly #driver: RaftDriver;
  readonly #seen: LifeSeen;
  readonly #rules: LifeRules;
  readonly #clients: WaitingClients;
  readonly #pending: Map<number, PendingPromise> = new Map<number, PendingPromise>();
  #pieces: Uint8Array[] = [];
  #incoming: Uint8Array = new Uint8Array(0);
  #status: RaftStatus;
  /** Under way is an answer to an earlier life. */
  #isAnsweredLate = false;
  readonly #life: number;
  readonly #turns: Turns;
  #isStopped = false;

  constructor(parts: NodeHostParts) {
    const { raft, log, state, world } = parts;
    this.#parts = parts;
    this.raft = raft;
    this.#life = parts.node.life;
    this.#turns = new Turns(this, parts);
    this.log = log;
    this.state = state;
    this.taker = new SnapshotTaker(this, parts);
    this.#clients = new WaitingClients(parts.node);
    this.#status = raft.status;
    const { term, commit, configuration } = this.#status;
    this.#seen = { term, commit, leads: false, campaigns: false, judged: 0, configuration, judgedChange: -1 };
    this.#rules = new LifeRules(parts.node.id, world.plan.config.raft);
    log.events.on('space-back', () => {
      world.reach['space-back'] += 1;
    });
    log.events.on('stalled', (call) => {
      world.reach['disk-stalled'] += 1;
      // The driver hands over then.
      this.#rules.handsOver();
      judgeStalled(log, call, (what) => {
        world.found(new ClusterFinding({ oracle: 'failed-without-cause', what }));
      });
    });
    this.#driver = new RaftDriver({
      raft,
      log,
      host: this,
      schedule: (round) => {
        this.#turns.schedule(round);
      },
      admit: (act) => {
        this.#turns.admit(act);
      },
      isAlive: () => this.isRunning,
      savesCommit: world.plan.config.savesCommit,
    });
  }

  /** As of the last step: nothing changes between two of them. */
  get status(): RaftStatus {
    return this.#status;
  }

  get isRunning(): boolean {
    return !this.#isStopped && this.#parts.isAlive();
  }

  /** Lets something happen to the Raft, does all that it then wants done, and holds it against the rules. */
  feed(happen: () => void): void {
    this.#driver.feed(happen);
  }

  step(message: Message, life: number): void {
    this.feed(() => {
      this.#isAnsweredLate = message.type === 'read-index-response' && life !== this.#life;
      const { status } = this;
      this.raft.step(message);
      this.#rules.took(message, status);
      if (message.term < status.term) {
        this.#parts.world.reach['message-of-earlier-term'] += 1;
        judgeStale(message, status, this.raft.status);
      }
      if (message.type === 'vote' || message.type === 'pre-vote')
        this.#rules.asked(message, status, this.raft.status);
    });
  }

  tick(): void {
    this.feed(() => {
      const { status } = this;
      this.#rules.ticks();
      this.raft.tick();
      if (status.role === 'follower') this.#rules.ticked(status, this.raft.status);
    });
    const { crashes, life } = this.#parts.node;
    const due = crashes.asksAgain;
    if (due === null || life <= due.behindLife || this.#status.leader === null) return;
    crashes.asksAgain = null;
    due.ask();
  }

  /** Asks it to hand leadership to another; `onTaken`: it tries. */
  transfer(to: string, onTaken: () => void): void {
    this.feed(() => {
      this.#rules.handsOver();
      if (this.raft.transferLeadership(to) === null) onTaken();
    });
  }

  /** Proposes a command; `onDecided` is told once whether it was kept. False if it was not taken. */
  propose(command: Uint8Array, onDecided: (isKept: boolean) => void): boolean {
    let isTaken = false;
    // A process that stands still takes nothing.
    if (this.#parts.node.isPaused) return false;
    this.feed(() => {
      const proposal = this.raft.propose(command);
      if (!proposal.ok) return;
      isTaken = true;
      this.#clients.waitForEntry(proposal.index, proposal.term, onDecided);
    });
    return isTaken;
  }

  /** `onAnswer` is told of the state at a moment at which a read is linearizable, if that moment comes. */
  read(onAnswer: (state: RegisterState) => void): void {
    if (this.#parts.node.isPaused) return;
    this.feed(() => {
      const context = this.#clients.newContext();
      const { rules, queue } = this.#parts.world;
      const asked = { committed: rules.commitMax, atMs: queue.nowMs };
      if (this.raft.readIndex(context) === null) this.#clients.waitForRead(context, asked, onAnswer);
    });
  }

  /** Does no more. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Ends what it reads, so that the log can be closed. */
  async closeReaders(): Promise<void> {
    await this.#driver.stop();
  }

  /** Something that the log or the Raft cannot live with: this life is over. */
  fail(error: unknown): void {
    if (!this.isRunning) return;
    this.#isStopped = true;
    this.#parts.node.failed(this, error);
  }

  /** Also when the process died in the midst of it: what it had decided it may have told others. */
  turned(): void {
    const { world, node } = this.#parts;
    const { status } = this.raft;
    const before = this.#status;
    this.#status = status;
    this.#isAnsweredLate = false;
    this.#rules.turned(before, status);
    const hasLed = world.rules.hasLed(status.term);
    world.rules.observe(node, this.#seen, status);
    const isAtRest = node.promised.pendingCount === 0 && !this.raft.hasReady;
    if (status.storageState !== 'failed') judgeOwnLog(node, status, isAtRest);
    if (status.role === 'leader' && !hasLed) {
      world.reach.elected += 1;
      node.trace.note(`${node.clock} ${node.id} leads in term ${String(status.term)}`, {
        kind: 'lead',
        term: status.term,
      });
    }
  }

  keepPiece(piece: SnapshotPiece): void {
    if (piece.offset === 0) this.#pieces = [];
    this.#pieces.push(piece.data);
  }

  send(messages: readonly Message[]): void {
    const { world, node } = this.#parts;
    for (const message of messages) {
      if (!this.isRunning) return;
      judgeSent(node, message);
      // What was said earlier in the turn was true then.
      if (!this.#turns.isShared && JUDGED_BY_LIFE.has(message.type))
        this.#rules.sends(message, this.raft.status);
      this.#tellOfReads(message);
      if (message.type === 'snapshot-chunk' && message.offset === 0) this.#beganToSend();
      node.traceMessage('sends', message);
      world.network.send(message, node.life);
    }
  }

  #beganToSend(): void {
    const { reach, plan } = this.#parts.world;
    reach['snapshot-sent'] += 1;
    if (plan.config.snapshotsWhileSending === true) this.taker.takeAtOnce();
  }

  #tellOfReads(message: Message): void {
    const { world, node } = this.#parts;
    const { nowMs } = world.queue;
    if (message.type === 'heartbeat-response') world.rules.follows(node.id, message.to, message.term, nowMs);
    else if (message.type === 'read-index') world.readsAsked.set(`${node.id} ${message.requestId}`, nowMs);
    else if (message.type === 'read-index-response')
      this.#judgeRead(world.readsAsked.get(`${message.to} ${message.requestId}`));
  }

  saving(save: ReadySave, writes: boolean): void {
    const { world, node } = this.#parts;
    const { promised } = node;
    const first = save.entries[0];
    if (first !== undefined)
      world.rules.offered(node, save.entries, termAt(promised.newest, first.index - 1));
    this.#pending.set(save.id, promised.issue(save, writes));
    this.#tellSave('save', save, promised.newest);
  }

  saved(save: ReadySave): void {
    const { promised } = this.#parts.node;
    promised.keep(this.#takePending(save));
    this.#tellSave('saved', save, promised.kept);
  }

  incomingData(): SnapshotData {
    this.#parts.node.crashes.begin('install');
    // Another leader's pieces may come while this one is being installed.
    this.#incoming = Buffer.concat(this.#pieces);
    this.#pieces = [];
    return this.#incoming;
  }

  async installed(): Promise<void> {
    const { node, world } = this.#parts;
    this.state.restore(this.#incoming);
    node.crashes.finish('install');
    world.reach['snapshot-installed'] += 1;
    world.rules.stands(node, this.state.applied, this.state.hash);
  }

  refused(save: ReadySave, error: unknown): void {
    const { world, node } = this.#parts;
    node.crashes.finish('install');
    if (isKeelsonError(error)) node.judgeCause(error);
    world.reach['save-refused-for-space'] += 1;
    node.promised.refuse(this.#takePending(save));
    this.#tellSave('refused', save, node.promised.newest);
    // What was not durable is forgotten, as by a crash: the commit index may fall back with it.
    this.#seen.commit = 0;
    this.#seen.judged = Math.min(this.#seen.judged, lastIndexOf(node.promised.newest));
    this.taker.takeAtOnce();
  }

  /** For who draws the run. */
  #tellSave(kind: 'save' | 'saved' | 'refused', save: ReadySave, state: PromisedState): void {
    const { node } = this.#parts;
    const { trace, id } = node;
    if (!trace.keepsLines) return;
    const from = save.entries[0]?.index;
    const until = from === undefined ? undefined : from + save.entries.length;
    const about = { kind, of: save, term: state.term, from, until };
    trace.line(`${node.clock} ${id} ${kind} ${String(save.id)}: ${describeState(state)}`, about);
  }

  #takePending(save: ReadySave): PendingPromise {
    const pending = this.#pending.get(save.id);
    if (pending === undefined) throw new Error(`save ${String(save.id)} was not issued`);
    this.#pending.delete(save.id);
    return pending;
  }

  apply(entries: readonly Entry[]): void {
    const { world, node } = this.#parts;
    this.turned();
    for (const entry of entries) {
      this.state.apply(entry);
      world.rules.applied(node, entry, this.state.hash);
      node.trace.fold(this.state.hash);
      this.#clients.applied(entry);
    }
  }

  handled({ committedEntries, readStates }: Ready): void {
    for (const read of readStates) this.#confirm(read);
    this.#clients.release(this.state);
    if (committedEntries.length > 0) this.taker.takeIfDue();
  }

  failed(error: unknown): void {
    this.#parts.node.crashes.finish('install');
    this.fail(error);
  }

  troubled(error: unknown): void {
    const { node, world } = this.#parts;
    // It was judged when it was refused.
    if (!this.isRunning || isKeelsonError(error, 'KEELSON_NO_SPACE')) return;
    if (isKeelsonError(error, 'KEELSON_READ_FAILED')) {
      world.reach['read-failed'] += 1;
      node.judgeCause(error);
    } else this.fail(error);
  }

  #confirm(read: ReadState): void {
    if (this.#isAnsweredLate)
      throw new ClusterFinding({
        oracle: 'stale-message',
        what: `${this.#parts.node.id} takes an answer to an earlier life of it for that to read ${read.context}`,
      });
    this.#judgeRead(this.#clients.confirmed(read));
  }

  /** Of a leader. Where the members changed meanwhile, nobody outside knows by which it counted. */
  #judgeRead(askedMs: number | undefined): void {
    const { world, node } = this.#parts;
    const { status } = this.raft;
    if (askedMs === undefined || status.role !== 'leader') return;
    if (status.configuration === this.#status.configuration) world.rules.judgeRead(node, status, askedMs);
  }

  threw(error: unknown): void {
    const { world, node } = this.#parts;
    // The Raft asks its log for terms; one that the log does not hold is one that the Raft has made up.
    const isOfRaft = error instanceof RaftInvariantError || error instanceof KeelsonError;
    if (!isOfRaft) {
      world.found(error);
      return;
    }
    world.found(
      new ClusterFinding({ oracle: 'raft-invariant', what: `${node.id}: ${error.message}`, cause: error }),
    );
  }
}
