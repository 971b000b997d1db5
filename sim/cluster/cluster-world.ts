import type { Configuration, Message } from '../raft/index.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import { EventQueue } from '../world/event-queue.js';
import { subSeed } from '../world/random.js';
import type { Happening, RunWatch } from '../world/run-watch.js';
import { Trace } from '../world/trace.js';
import { ClusterNode } from './cluster-node.js';
import type { ClusterPlan, CrashPlan, NodeChoice } from './cluster-plan.js';
import { type ClusterReach, newClusterReach } from './cluster-reach.js';
import { Clients } from './clients.js';
import { type Lives, Network } from './network.js';
import { Operator } from './operator.js';
import { RaftRules } from './raft-rules.js';

/** One cluster in its world, and what is known of it outside: all that the parts of a run share. */
export class ClusterWorld {
  readonly plan: ClusterPlan;
  readonly queue: EventQueue = new EventQueue({ drive: 'manual' });
  readonly trace: Trace;
  readonly linesKept: number;
  readonly watch: RunWatch<SimulatedDisk> | null;
  readonly reach: ClusterReach = newClusterReach();
  readonly nodes: Map<string, ClusterNode> = new Map<string, ClusterNode>();
  readonly rules: RaftRules = new RaftRules(this.nodes);
  readonly readsAsked: Map<string, number> = new Map<string, number>();
  readonly clients: Clients;
  readonly network: Network;
  readonly operator: Operator;
  /** Rejects with the first broken promise. */
  readonly broken: Promise<never>;
  /** What the story is at, for the reader of a failure. */
  by = 'the start';
  crashes = 0;
  /** Crashes that wait for some node to begin something. */
  crashesDuring: { readonly doing: string; readonly crash: CrashPlan }[] = [];
  #tell!: (error: unknown) => void;

  constructor(plan: ClusterPlan, linesKept: number, watch: RunWatch<SimulatedDisk> | null) {
    this.plan = plan;
    this.linesKept = linesKept;
    this.watch = watch;
    this.trace = new Trace({ linesKept });
    this.trace.watch = watch?.lane('cluster', null, () => []) ?? null;
    this.broken = new Promise<never>((_resolve, reject) => {
      this.#tell = reject;
    });
    // Nobody may be waiting for it when it comes.
    this.broken.catch(() => undefined);
    this.network = new Network({
      queue: this.queue,
      seed: subSeed(plan.seed, 'network'),
      reach: this.reach,
      latencyMs: plan.config.latencyMs,
      jitterMs: plan.config.jitterMs,
      lifeOf: (id) => this.nodes.get(id)?.life ?? 0,
      deliver: (message, lives) => {
        this.#deliver(message, lives);
      },
    });
    this.clients = new Clients(this);
    this.operator = new Operator(this);
  }

  /** Keeps the first broken promise, from wherever it was noticed; the run ends with it. */
  found(error: unknown): void {
    this.#tell(error);
  }

  /** Waits for virtual time. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.queue.after(ms, resolve);
    });
  }

  note(text: string, about?: Happening): void {
    this.trace.note(`${this.queue.nowMs.toFixed(3)} ms ${text}`, about);
  }

  /** A node of a new name, with an empty disk, that begins in `configuration`. */
  makeNode(configuration: Configuration): ClusterNode {
    const node = new ClusterNode(this, this.nodes.size, configuration);
    this.nodes.set(node.id, node);
    return node;
  }

  nodeAt(choice: NodeChoice): ClusterNode {
    const nodes = [...this.nodes.values()];
    const node = choice === null ? (this.leader ?? nodes[0]) : nodes[choice % nodes.length];
    if (node === undefined) throw new Error('a cluster has nodes');
    return node;
  }

  /** Whether the disk of this node may go too: at most a minority of any configuration in play may be without. */
  mayLose(node: ClusterNode): boolean {
    if (this.plan.config.isOverBudget) return true;
    const isGone = (id: string): boolean => id === node.id || this.nodes.get(id)?.isHealthy !== true;
    return this.configurationsInPlay().every(({ voters }) => {
      return 2 * voters.filter(isGone).length < voters.length;
    });
  }

  /** Those by which some node may count a majority: the last two committed, and every later one in some log. */
  configurationsInPlay(): readonly Configuration[] {
    const logs = [...this.nodes.values()]
      .filter(({ isLost }) => !isLost)
      .map(({ promised }) => promised.newest);
    return this.rules.configurationsInPlay(logs);
  }

  /** The node that leads in the highest term, as far as it knows itself. */
  get leader(): ClusterNode | null {
    let leader: ClusterNode | null = null;
    let leaderTerm = 0;
    for (const node of this.nodes.values()) {
      const status = node.status;
      if (status?.role !== 'leader' || status.term <= leaderTerm) continue;
      leader = node;
      leaderTerm = status.term;
    }
    return leader;
  }

  #deliver(message: Message, lives: Lives): void {
    const sender = this.nodes.get(message.from);
    if (sender !== undefined && sender.life !== lives.from) this.reach['message-of-earlier-life'] += 1;
    this.nodes.get(message.to)?.receive(message, lives.to);
  }
}
