import { Random, subSeed } from '../world/random.js';
import type { ClusterNode } from './cluster-node.js';
import type { ClusterConfig } from './cluster-plan.js';
import type { ClusterWorld } from './cluster-world.js';
import { encodePut } from './register-state.js';

/** A server that nobody has, as a learner of the last change: it costs no majority. */
const GUEST = 'guest';

/** What a cluster that works gives to who asks, one of these a run. */
const SERVICES = ['read', 'hand-over', 'change', 'calm', 'write'] as const;
/** Writes that are asked for one after the other: more than may wait to be committed, where that is little. */
const WRITES = 12;
const WRITE_BYTES = 250;
/** Election timeouts in which nobody campaigns, where nothing is wrong. */
const CALM_TIMEOUTS = 3;

/**
 * Asks a cluster that has converged for one more thing, again and again until it is given: a read at each node, a leader
 * of our choice, a change of members, or some time under one leader, or a
 * dozen writes. What is never given breaks no rule of safety, and every history lacks it.
 */
export class StillServes {
  /** What is asked for. */
  readonly service: (typeof SERVICES)[number];
  readonly #world: ClusterWorld;
  readonly #members: readonly ClusterNode[];
  readonly #random: Random;
  readonly #answered: Set<string> = new Set<string>();
  #askedMs = -Infinity;
  #wanted: ClusterNode | null = null;
  #written = 0;
  #calmTerm = 0;
  #calmSinceMs = Infinity;

  /** `members`: of the nodes that live, those that have all that was committed. */
  constructor(world: ClusterWorld, members: readonly ClusterNode[]) {
    this.#world = world;
    this.#members = members;
    this.#random = new Random(subSeed(world.plan.seed, 'still serves'));
    const service = this.#random.pick(SERVICES);
    this.service = service === 'calm' && !isCalmOwed(world.plan.config) ? 'read' : service;
  }

  get isGiven(): boolean {
    switch (this.service) {
      case 'read':
        return this.#members.every(({ id }) => this.#answered.has(id));
      case 'hand-over':
        return this.#wanted === null ? this.#askedMs > 0 : this.#wanted.status?.role === 'leader';
      case 'change':
        return this.#members.every(({ status }) => status?.configuration.learners.includes(GUEST) === true);
      case 'write':
        return this.#written >= WRITES;
      case 'calm': {
        const { electionTicks } = this.#world.plan.config.raft;
        const calmMs = CALM_TIMEOUTS * electionTicks * this.#world.plan.config.tickMs;
        return this.#world.queue.nowMs >= this.#calmSinceMs + calmMs;
      }
    }
  }

  /** Asks, unless it has done so a moment ago. */
  pursue(): void {
    const { queue, plan } = this.#world;
    const term = this.#world.leader?.status?.term ?? 0;
    if (term === 0 || term !== this.#calmTerm || this.#members.some(({ status }) => status?.term !== term))
      this.#calmSinceMs = queue.nowMs;
    this.#calmTerm = term;
    const patienceMs = 2 * plan.config.raft.electionTicks * plan.config.tickMs;
    if (queue.nowMs < this.#askedMs + patienceMs) return;
    this.#askedMs = queue.nowMs;
    switch (this.service) {
      case 'read':
        for (const node of this.#members) node.host?.read(() => this.#answered.add(node.id));
        return;
      case 'hand-over':
        this.#handOver();
        return;
      case 'change': {
        const host = this.#world.leader?.host;
        host?.feed(() => void host.raft.proposeConfChange({ op: 'add-learner', id: GUEST }));
        return;
      }
      case 'write':
        this.#write();
        return;
      case 'calm':
    }
  }

  /** The next as soon as the one before is kept. */
  #write(): void {
    this.#world.leader?.host?.propose(encodePut('marker', 'after', WRITE_BYTES), (isKept) => {
      if (isKept) this.#written += 1;
      this.#askedMs = -Infinity;
    });
  }

  /** To the same one each time, as long as it does not lead. */
  #handOver(): void {
    const { leader } = this.#world;
    const voters = leader?.status?.configuration.voters ?? [];
    const others = this.#members.filter(({ id }) => id !== leader?.id && voters.includes(id));
    if (leader === null) return;
    if (this.#wanted === null && others.length > 0) this.#wanted = this.#random.pick(others);
    if (this.#wanted !== null) leader.host?.transfer(this.#wanted.id, () => undefined);
  }
}

/** Whether heartbeats come sooner than any clock's patience ends. */
function isCalmOwed(config: ClusterConfig): boolean {
  const { raft, tickMs, latencyMs, jitterMs, driftPercent, turnMs = 0 } = config;
  return driftPercent.every((leader) => {
    const heartbeatMs = raft.heartbeatTicks * tickMs * (1 + leader / 100) + latencyMs + jitterMs + turnMs;
    return driftPercent.every((other) => heartbeatMs < raft.electionTicks * tickMs * (1 + other / 100));
  });
}
