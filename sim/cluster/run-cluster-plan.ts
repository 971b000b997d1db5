import { type Counters, newCounters, REACHED } from '../disk/calls/counters.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import type { RunWatch } from '../world/run-watch.js';
import { Trace } from '../world/trace.js';
import { ClusterFinding, type ClusterFindingFacts } from './cluster-finding.js';
import type { ClusterPlan } from './cluster-plan.js';
import type { ClusterReach } from './cluster-reach.js';
import { ClusterWorld } from './cluster-world.js';
import { converge } from './converge.js';
import { drawClusterPlan } from './draw-cluster-plan.js';
import { performFault, performOp } from './perform.js';

/** What to keep of a run. */
export interface ClusterRunOptions {
  /** Lines of the trace to keep of each node. Default: none. */
  readonly linesKept?: number;
  /** Sees the run as it happens. */
  readonly watch?: RunWatch<SimulatedDisk>;
}

/** What the oracles found, and when. */
export interface ClusterFailure extends ClusterFindingFacts {
  /** The operation or fault under way. */
  readonly by: string;
  /** Where the oracle stood. */
  readonly stack: string;
}

/** The last lines of one node's trace, or of what happened between the nodes. */
export interface NodeTrace {
  /** The node, or what stands for the network. */
  readonly of: string;
  /** The lines, the oldest first. */
  readonly lines: readonly string[];
}

/** What a run came to. */
export interface ClusterRunResult {
  /** Null: the cluster kept all of its promises. */
  readonly failure: ClusterFailure | null;
  /** Operations and faults that were begun. */
  readonly ops: number;
  /** Crashes of machines, and kills of processes. */
  readonly crashes: number;
  /** Calls that the stores made of their disks. */
  readonly calls: number;
  /** Virtual time that it took, in milliseconds. */
  readonly virtualMs: number;
  /** Of everything that happened: equal runs have equal hashes. */
  readonly traceHash: number;
  /** What the disks did, counted. */
  readonly faults: Counters;
  /** What happened to nodes and network, counted. */
  readonly reach: ClusterReach;
  /** The last lines of each trace, if any were to be kept. */
  readonly traces: readonly NodeTrace[];
}

/**
 * Runs a cluster of the reference Raft on the production store through a plan: one clock, one network, a disk for
 * each node. Pure: the result follows from the plan alone. Rejects only for a fault of the simulator itself.
 */
export async function runClusterPlan(
  plan: ClusterPlan,
  options: ClusterRunOptions = {},
): Promise<ClusterRunResult> {
  const world = new ClusterWorld(plan, options.linesKept ?? 0, options.watch ?? null);
  const progress = { ops: 0 };
  let failure: ClusterFailure | null = null;
  try {
    await world.queue.runUntil(Promise.race([world.broken, story(world, progress)]));
  } catch (error) {
    if (!(error instanceof ClusterFinding)) throw error;
    failure = { ...error.facts, by: world.by, stack: error.stack ?? error.message };
    world.note(`found ${error.message}`, { kind: 'found' });
  }
  const nodes = [...world.nodes.values()];
  const trace = new Trace();
  for (const each of [world, ...nodes]) trace.fold(each.trace.hash);
  return {
    failure,
    ops: progress.ops,
    crashes: world.crashes,
    calls: nodes.reduce((sum, { disk }) => sum + disk.callCount, 0),
    virtualMs: world.queue.nowMs,
    traceHash: trace.hash,
    faults: sumOf(nodes.map(({ disk }) => disk.counters)),
    reach: world.reach,
    traces: [
      { of: 'cluster', lines: world.trace.lines },
      ...nodes.map(({ id, trace: { lines } }) => ({ of: id, lines })),
    ],
  };
}

/** The plan of a seed, run. */
export async function runClusterSeed(
  seed: number,
  options: ClusterRunOptions = {},
): Promise<ClusterRunResult> {
  return runClusterPlan(drawClusterPlan(seed), options);
}

async function story(world: ClusterWorld, progress: { ops: number }): Promise<void> {
  const { plan } = world;
  const { voterCount, spanMs, driftPercent } = plan.config;
  if (driftPercent.some((percent) => percent !== 0)) world.reach['clock-drifted'] += 1;
  const voters = Array.from({ length: voterCount }, (_, at) => `n${String(at + 1)}`);
  const first = { voters, learners: [] };
  world.rules.begin(first);
  for (const _ of voters) world.makeNode(first);
  for (const node of world.nodes.values()) node.start();
  for (const op of plan.ops) begin(world, 'op', op, progress, () => performOp(world, op));
  for (const fault of plan.faults) begin(world, 'fault', fault, progress, () => performFault(world, fault));
  await world.sleep(spanMs);
  await converge(world);
  world.clients.judge();
}

function begin(
  world: ClusterWorld,
  kind: 'op' | 'fault',
  what: { readonly id: number; readonly kind: string; readonly atMs: number },
  progress: { ops: number },
  perform: () => void,
): void {
  world.queue.after(what.atMs, () => {
    world.by = `${what.kind} ${String(what.id)}`;
    world.note(`-- ${JSON.stringify(what)}`, { kind });
    progress.ops += 1;
    try {
      perform();
    } catch (error) {
      world.found(error);
    }
  });
}

function sumOf(all: readonly Counters[]): Counters {
  const sum = newCounters();
  for (const counters of all) for (const name of REACHED) sum[name] += counters[name];
  return sum;
}
