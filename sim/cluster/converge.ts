import type { Configuration } from '../raft/index.js';
import { Random, subSeed } from '../world/random.js';
import { ClusterFinding } from './cluster-finding.js';
import type { ClusterNode } from './cluster-node.js';
import type { ClusterWorld } from './cluster-world.js';
import { describeState } from './promised-log.js';
import { holds } from './raft-rules.js';
import { encodePut } from './register-state.js';
import { StillServes } from './still-serves.js';

/** Election timeouts within which a majority must commit and converge. */
const TIMEOUTS_MAX = 60;
/** How long a cluster over budget is watched once faults have stopped. */
const OVER_BUDGET_TICKS = 100;

/**
 * Faults stop. A drawn majority lives on, the rest stays dead: it must commit, all of it must come to the same, and it must
 * serve on.
 */
export async function converge(world: ClusterWorld): Promise<void> {
  stopFaults(world);
  // A change of members that a leader has taken up and not yet saved is in no log: who is needed for it is known then.
  await world.sleep(world.plan.config.raft.electionTicks * world.plan.config.tickMs);
  const chosen = chooseSurvivors(world);
  for (const node of world.nodes.values()) if (!chosen.includes(node) && !node.isLost) node.retire();
  for (const node of chosen) node.start();
  world.note(`faults stop; ${chosen.map(({ id }) => id).join(' ')} live on`);
  const { tickMs, isOverBudget, raft } = world.plan.config;
  if (isOverBudget) world.reach['over-budget'] += 1;
  if (!isMajority(world.configurationsInPlay(), chosen) || isOverBudget) {
    world.reach['liveness-not-asked'] += 1;
    await world.sleep(OVER_BUDGET_TICKS * tickMs);
    return;
  }
  const deadlineMs = world.queue.nowMs + TIMEOUTS_MAX * raft.electionTicks * tickMs;
  const marker = new Marker(world);
  let isAtRest = false;
  while (!isConverged(world, chosen, marker)) {
    if (world.queue.nowMs > deadlineMs) throw notLive(world, chosen);
    // What was lost on its way has to be sent again of its own: with the next command it comes by itself.
    isAtRest ||= hasAll(world, chosen);
    if (isAtRest) marker.pursue();
    await world.sleep(2 * tickMs);
  }
  world.reach.converged += 1;
  await serveOn(world, chosen);
  for (const node of world.nodes.values()) if (node.hasCaughtUp) world.reach['unfit-node-caught-up'] += 1;
  if (chosen.length < world.nodes.size) world.reach['converged-without-some'] += 1;
}

async function serveOn(world: ClusterWorld, chosen: readonly ClusterNode[]): Promise<void> {
  const { tickMs, raft } = world.plan.config;
  const deadlineMs = world.queue.nowMs + TIMEOUTS_MAX * raft.electionTicks * tickMs;
  const wanted = new StillServes(world, membersOf(world, chosen));
  world.note(`asks for a ${wanted.service}`);
  while (!wanted.isGiven) {
    if (world.queue.nowMs > deadlineMs) throw givesNot(wanted.service, chosen);
    wanted.pursue();
    await world.sleep(2 * tickMs);
  }
  world.reach['served-on'] += 1;
}

function stopFaults(world: ClusterWorld): void {
  world.by = 'the end, when faults have stopped';
  world.network.heal();
  world.operator.stop();
  world.crashesDuring = [];
  for (const node of world.nodes.values()) {
    node.calls.calm();
    node.crashes.toCome = [];
    node.squeeze(null);
    if (node.isPaused) node.resume();
    // A call that hangs for minutes is ended by whoever runs the machine.
    if (node.stuckLife === node.life) node.crash('kill', 0);
  }
}

/** A majority of every configuration in play, as small as was drawn, or all there is. */
function chooseSurvivors(world: ClusterWorld): readonly ClusterNode[] {
  const { config, seed } = world.plan;
  const random = new Random(subSeed(seed, 'survivors'));
  const inPlay = world.configurationsInPlay();
  const rest = [...world.nodes.values()].filter(({ isHealthy, isRetired }) => isHealthy && !isRetired);
  const chosen: ClusterNode[] = [];
  while (rest.length > 0) {
    const isEnough = isMajority(inPlay, chosen);
    if (isEnough && !random.chance(config.survivorsShare)) break;
    const [next] = rest.splice(random.below(rest.length), 1);
    if (next !== undefined) chosen.push(next);
  }
  return chosen;
}

function isMajority(configurations: readonly Configuration[], chosen: readonly ClusterNode[]): boolean {
  const ids = new Set(chosen.map(({ id }) => id));
  return configurations.every(({ voters }) => 2 * voters.filter((id) => ids.has(id)).length > voters.length);
}

/** A command that the survivors must commit, proposed again until one of them is. */
class Marker {
  readonly #world: ClusterWorld;
  #proposedMs = -Infinity;
  #count = 0;
  /** Index of the one that was committed; null as long as none is. */
  index: number | null = null;

  constructor(world: ClusterWorld) {
    this.#world = world;
  }

  pursue(): void {
    const { queue, plan, leader } = this.#world;
    const patienceMs = 2 * plan.config.raft.electionTicks * plan.config.tickMs;
    if (this.index !== null || queue.nowMs < this.#proposedMs + patienceMs) return;
    const host = leader?.host ?? null;
    this.#count += 1;
    const command = encodePut('marker', `m${String(this.#count)}`, 0);
    const isTaken = host?.propose(command, (isKept) => {
      if (isKept) this.index ??= host.state.applied;
      else this.#proposedMs = -Infinity;
    });
    if (isTaken === true) this.#proposedMs = queue.nowMs;
  }
}

function isConverged(world: ClusterWorld, chosen: readonly ClusterNode[], { index }: Marker): boolean {
  if (index === null || world.leader === null) return false;
  return membersOf(world, chosen).every(({ status }) => (status?.applied ?? 0) >= index);
}

/** Whether the leader has committed all that it has, and every member of the survivors has applied it. */
function hasAll(world: ClusterWorld, chosen: readonly ClusterNode[]): boolean {
  const status = world.leader?.status ?? null;
  if (status === null || status.commit < status.lastIndex) return false;
  return membersOf(world, chosen).every((node) => (node.status?.applied ?? 0) >= status.commit);
}

/** Those of the survivors whom the leader counts among the members. */
function membersOf(world: ClusterWorld, chosen: readonly ClusterNode[]): readonly ClusterNode[] {
  const { voters = [], learners = [] } = world.leader?.status?.configuration ?? {};
  return chosen.filter(({ id }) => voters.includes(id) || learners.includes(id));
}

/** Before anyone is blamed: did the survivors hold all that was committed? */
function notLive(world: ClusterWorld, chosen: readonly ClusterNode[]): Error {
  const { rules } = world;
  for (let index = 1; index <= rules.commitMax; index += 1) {
    const term = rules.committedTerm(index) ?? 0;
    if (!chosen.some(({ promised }) => holds(promised.kept, index, term)))
      return new Error(
        `the simulator's own fault: no survivor held entry ${String(index)}, which was committed`,
      );
  }
  return new ClusterFinding({
    oracle: 'liveness',
    what: `${chosen.map(({ id }) => id).join(' ')} are a majority and hold all ${String(rules.commitMax)} committed entries, but did not commit and converge within ${String(TIMEOUTS_MAX)} election timeouts`,
    found: describeAll(chosen),
  });
}

function givesNot(service: string, chosen: readonly ClusterNode[]): ClusterFinding {
  return new ClusterFinding({
    oracle: 'liveness',
    what: `${chosen.map(({ id }) => id).join(' ')} had converged, and gave no ${service} within ${String(TIMEOUTS_MAX)} election timeouts`,
    found: describeAll(chosen),
  });
}

function describeAll(chosen: readonly ClusterNode[]): string {
  return chosen.map((node) => `${node.id}: ${describeNode(node)}`).join('\n          ');
}

function describeNode(node: ClusterNode): string {
  const { status } = node;
  if (status === null) return `down in life ${String(node.life)}; ${describeState(node.promised.kept)}`;
  const { role, leader, term, commit, applied, lastIndex, lastTerm, storageState, configuration } = status;
  const { voters, learners } = configuration;
  return `${role} of ${String(leader)} in term ${String(term)}, commit ${String(commit)}, applied ${String(applied)}, log to ${String(lastIndex)}/${String(lastTerm)}, storage ${storageState}, voters ${voters.join(' ')}, learners ${learners.join(' ')}`;
}
