import type { Random } from '../../../sim/index.js';
import type { Cluster } from './cluster.js';
import type { ClusterSabotage } from './node-orders.js';
import type { WatchedWait } from './watched-wait.js';
import type { Witness } from './witness.js';
import type { Workload } from './workload.js';

/**
 * - `'one'`: some node; half the time it is killed again while it recovers.
 * - `'leader'`: the node that leads.
 * - `'voter'`: the leader, and then the first node that gives its vote, the moment it does.
 * - `'all'`: all nodes at once.
 * - `'straggler'`: a node that stays away until the others have compacted what it lacks: it gets a snapshot.
 */
export type Disaster = 'one' | 'leader' | 'voter' | 'all' | 'straggler';

/** Kills of one disaster, at least. */
const KILLS: Readonly<Record<Disaster, number>> = { one: 1, leader: 1, voter: 2, all: 3, straggler: 1 };
/** Work that must be done between two disasters: time alone would say nothing on a busy machine. */
const OPERATIONS_BETWEEN = 150;
const PAUSE_MS_MAX = 500;
/** Starting takes about this long: a kill drawn in it lands before, in and after recovery. */
const STARTING_MS = 500;

/**
 * Each kind at least once, in a drawn order, and then more until there are `killCount` kills. Nodes that lie take no
 * snapshots: a straggler would wait for one until the demonstration gives up.
 */
export function planDisasters(
  killCount: number,
  sabotage: ClusterSabotage,
  random: Random,
): readonly Disaster[] {
  const plan: Disaster[] = ['one', 'leader', 'voter', 'all'];
  if (sabotage === 'none') plan.push('straggler');
  shuffle(plan, random);
  const killed = (): number => plan.reduce((sum, disaster) => sum + KILLS[disaster], 0);
  const more: readonly Disaster[] = ['one', 'leader', 'voter', 'all'];
  while (killed() < killCount) plan.push(more[random.below(more.length)] ?? 'one');
  // What a liar has not written is lost by the disaster that its lie is about.
  if (sabotage === 'ack-early') return ['all', ...plan];
  if (sabotage === 'vote-early') return ['voter', ...plan];
  return plan;
}

function shuffle(list: unknown[], random: Random): void {
  for (let last = list.length - 1; last > 0; last -= 1) {
    const at = random.below(last + 1);
    [list[last], list[at]] = [list[at], list[last]];
  }
}

export class Disasters {
  readonly #cluster: Cluster;
  readonly #witness: Witness;
  readonly #workload: Workload;
  readonly #wait: WatchedWait;
  readonly #random: Random;

  constructor(cluster: Cluster, witness: Witness, workload: Workload, wait: WatchedWait, random: Random) {
    this.#cluster = cluster;
    this.#witness = witness;
    this.#workload = workload;
    this.#wait = wait;
    this.#random = random;
  }

  /** Lets one happen, and the cluster come back to work. */
  async happen(disaster: Disaster): Promise<void> {
    await this.#work(OPERATIONS_BETWEEN);
    await this.#wait.pause(this.#random.below(PAUSE_MS_MAX));
    switch (disaster) {
      case 'one':
        await this.#one();
        break;
      case 'leader':
        await this.#cluster.kill([await this.#leader()]);
        break;
      case 'voter':
        await this.#voter();
        break;
      case 'all':
        await this.#cluster.kill(this.#cluster.names);
        break;
      case 'straggler':
        await this.#straggler();
        break;
    }
    await this.#wait.pause(this.#random.below(PAUSE_MS_MAX));
    this.#restart();
    await this.#cluster.untilAllTakePart();
  }

  async #one(): Promise<void> {
    const name = this.#draw(this.#cluster.names);
    await this.#cluster.kill([name]);
    if (this.#random.chance(0.5)) return;
    this.#cluster.start(name);
    const endMs = performance.now() + this.#random.below(STARTING_MS);
    await this.#wait.until('a node to start', () => performance.now() > endMs);
    await this.#cluster.kill([name]);
  }

  async #voter(): Promise<void> {
    const { names } = this.#cluster;
    const before = new Map(names.map((name) => [name, this.#witness.record(name).votesSent]));
    const hasVoted = (name: string): boolean =>
      this.#witness.record(name).votesSent > (before.get(name) ?? 0);
    await this.#cluster.kill([await this.#leader()]);
    await this.#wait.until('a vote', () => this.#cluster.running.some(hasVoted));
    await this.#cluster.kill(this.#cluster.running.filter(hasVoted).slice(0, 1));
  }

  async #straggler(): Promise<void> {
    const name = this.#draw(this.#cluster.names);
    const { installs } = this.#witness.record(name);
    await this.#cluster.kill([name]);
    // It holds nothing beyond what was acknowledged by now, but for what was on its way: one write of each client, and
    // what each tried again with another leader.
    const lacks = Math.max(...this.#workload.acked.slice(-100).map(({ revision }) => revision)) + 300;
    const others = this.#cluster.names.filter((other) => other !== name);
    const isCompacted = (): boolean =>
      others.every((other) => this.#witness.record(other).compactedUpTo > lacks);
    await this.#wait.until('the others to compact what a dead node lacks', isCompacted);
    this.#cluster.start(name);
    const isInstalled = (): boolean => this.#witness.record(name).installs > installs;
    await this.#wait.until(`${name} to install a snapshot`, isInstalled);
  }

  async #leader(): Promise<string> {
    await this.#wait.until('a leader', () => this.#witness.leader !== null);
    return this.#witness.leader ?? this.#draw(this.#cluster.names);
  }

  async #work(operations: number): Promise<void> {
    const target = this.#workload.ackedCount + operations;
    await this.#wait.until('clients to be answered', () => this.#workload.ackedCount >= target);
  }

  #restart(): void {
    const { names, running } = this.#cluster;
    for (const name of names) if (!running.includes(name)) this.#cluster.start(name);
  }

  #draw(names: readonly string[]): string {
    return names[this.#random.below(names.length)] ?? '';
  }
}
