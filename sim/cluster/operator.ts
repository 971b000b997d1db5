import { type Configuration, NO_CONFIGURATION, type RaftStatus } from '../raft/index.js';
import type { EventQueue } from '../world/event-queue.js';
import type { ClusterPlan } from './cluster-plan.js';
import type { ClusterReach } from './cluster-reach.js';
import type { NodeHost } from './node-host.js';

/** Something the operator wants of the configuration. */
interface Intent {
  readonly kind: 'add' | 'remove';
  readonly id: string;
}

/** What the operator knows of the world. */
interface OperatedWorld {
  readonly plan: ClusterPlan;
  readonly queue: EventQueue;
  readonly reach: ClusterReach;
  readonly leader: { readonly host: NodeHost | null } | null;
  makeNode(configuration: Configuration): { readonly id: string; start(): void };
}

/** Ticks between two looks at the cluster. */
const LOOKS_EVERY_TICKS = 3;
/** A learner that lags by no more than this is made a voter. */
const LAG_MAX = 8;
/** Looks after which an intent is given up. */
const LOOKS_MAX = 150;

/** Whoever runs the cluster: changes its members one by one, and gives a lost node's place to one of a new name. */
export class Operator {
  readonly #world: OperatedWorld;
  #intents: Intent[] = [];
  #looks = 0;
  #isLooking = false;
  #isStopped = false;

  constructor(world: OperatedWorld) {
    this.#world = world;
  }

  /** A new node joins, first as a learner. */
  grow(): void {
    const fresh = this.#world.makeNode(NO_CONFIGURATION);
    fresh.start();
    this.#want({ kind: 'add', id: fresh.id });
  }

  /** A member is taken out. */
  remove(node: { readonly id: string }): void {
    this.#want({ kind: 'remove', id: node.id });
  }

  /** An id is never used again: whoever lost its disk is replaced by a node of another name. */
  replace(node: { readonly id: string }, afterMs: number): void {
    const { queue, reach } = this.#world;
    queue.after(afterMs, () => {
      if (this.#isStopped) return;
      reach['node-replaced'] += 1;
      this.remove(node);
      this.grow();
    });
  }

  /** No further changes; one that was proposed may still come about. */
  stop(): void {
    this.#isStopped = true;
    this.#intents = [];
  }

  #want(intent: Intent): void {
    if (this.#isStopped) return;
    this.#intents.push(intent);
    if (!this.#isLooking) this.#lookLater();
  }

  #lookLater(): void {
    this.#isLooking = this.#intents.length > 0;
    if (!this.#isLooking) return;
    this.#world.queue.after(LOOKS_EVERY_TICKS * this.#world.plan.config.tickMs, () => {
      this.#look();
      this.#lookLater();
    });
  }

  #look(): void {
    const [intent] = this.#intents;
    const host = this.#world.leader?.host ?? null;
    if (intent === undefined) return;
    this.#looks += 1;
    const isDone = host !== null && this.#pursue(intent, host);
    if (!isDone && this.#looks < LOOKS_MAX) return;
    this.#intents.shift();
    this.#looks = 0;
  }

  /** Proposes the next step. True if there is none. */
  #pursue({ kind, id }: Intent, host: NodeHost): boolean {
    const { status } = host;
    const { voters, learners } = status.configuration;
    const isVoter = voters.includes(id);
    const isLearner = learners.includes(id);
    if (kind === 'remove') {
      if (!isVoter && !isLearner) return true;
      this.#propose(host, 'remove', id);
      return false;
    }
    if (isVoter) {
      this.#world.reach['learner-promoted'] += 1;
      return true;
    }
    if (!isLearner) this.#propose(host, 'add-learner', id);
    else if (hasCaughtUp(status, id)) this.#propose(host, 'add-voter', id);
    return false;
  }

  #propose(host: NodeHost, op: 'add-voter' | 'add-learner' | 'remove', id: string): void {
    const { reach } = this.#world;
    host.feed(() => {
      // What was asked for may wait until after the end of all changes, by which the survivors were chosen.
      if (this.#isStopped) return;
      const isTaken = host.raft.proposeConfChange({ op, id }).ok;
      if (!isTaken) return;
      reach['configuration-changed'] += 1;
      if (op === 'remove' && host.status.id === id) reach['leader-removed'] += 1;
    });
  }
}

function hasCaughtUp({ members, commit }: RaftStatus, id: string): boolean {
  return (members.get(id)?.match ?? 0) + LAG_MAX >= commit;
}
