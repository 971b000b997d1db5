import { Random, seedOf, subSeed } from '../world/random.js';
import {
  CLUSTER_PLAN_VERSION,
  type ClusterConfig,
  type ClusterOp,
  type ClusterOpBody,
  type ClusterPlan,
  type NodeChoice,
  type RaftTuning,
} from './cluster-plan.js';
import { type ClusterSwarm, drawClusterSwarm } from './cluster-swarm.js';
import { drawClusterFaults } from './draw-cluster-faults.js';

/** Operations of a drawn plan. */
const OPS = 70;
/** Registers that clients write and read. */
const KEYS = 3;
/** Share of the plans whose file systems copy on write. */
const COPIES_ON_WRITE = 0.2;

/** The plan of a seed. Each operation and each fault draws from its own sub-seed. */
export function drawClusterPlan(seed: number): ClusterPlan {
  const root = seedOf(seed);
  const swarm = drawClusterSwarm(subSeed(root, 'swarm'));
  const drawn = drawConfig(new Random(subSeed(root, 'config')), swarm);
  // From a sub-seed of its own: it came later, and changes nothing else of a seed.
  const copies = new Random(subSeed(root, 'copies-on-write')).chance(COPIES_ON_WRITE);
  const config = copies ? { ...drawn, copiesOnWrite: true } : drawn;
  const ops: ClusterOp[] = [];
  for (let id = 1; id <= OPS; id += 1) {
    const random = new Random(subSeed(subSeed(root, 'op'), id));
    const atMs = Math.round(random.fraction() * config.spanMs);
    ops.push({ id, atMs, ...drawOp(random, swarm) });
  }
  ops.sort((a, b) => a.atMs - b.atMs);
  const faults = drawClusterFaults(subSeed(root, 'fault'), config, swarm);
  return { version: CLUSTER_PLAN_VERSION, profile: 'cluster', seed: root, config, ops, faults };
}

function drawConfig(random: Random, { on, isOverBudget }: ClusterSwarm): ClusterConfig {
  const tickMs = random.pick([100, 250, 500]);
  return {
    voterCount: random.pick([3, 3, 3, 3, 5]),
    tickMs,
    spanMs: random.pick([200, 300, 400]) * tickMs,
    raft: drawTuning(random),
    store: {
      segmentBytes: random.pick([4096, 4096, 8192, 16_384]),
      batchBytesMax: random.pick([131_072, 16_777_216]),
      queueBytesMax: random.pick([262_144, 67_108_864]),
      snapshotsKept: random.pick([1, 2, 2]),
      writeMode: random.pick(['auto', 'inline', 'background'] as const),
    },
    calls: random.pick(['inline', 'as-asked', 'as-asked', 'background', 'background'] as const),
    snapshotEveryEntries: random.pick([6, 12, 25, 60]),
    keepEntries: random.pick([0, 2, 8]),
    snapshotPadBytes: random.pick([0, 600, 1500]),
    savesCommit: random.chance(0.5),
    latencyMs: random.pick([0.2, 2, 10, 40]),
    jitterMs: random.pick([0, 2, 20, 100]),
    driftPercent: on.has('drift') ? Array.from({ length: 5 }, () => random.pick([-20, -5, 0, 5, 30])) : [0],
    survivorsShare: random.pick([0, 0, 0.5, 0.9]),
    isOverBudget,
    // From tenths of a millisecond, which no message meets, to about as long as an election timeout at its shortest.
    diskSlowness: random.pick([1, 1, 20, 200]),
    snapshotsWhileSending: random.chance(0.3),
    turnMs: random.pick([0, 0, 0.5, 10]),
  };
}

/** Small bounds, so that each is met soon. */
function drawTuning(random: Random): RaftTuning {
  return {
    electionTicks: random.pick([5, 10]),
    heartbeatTicks: random.pick([1, 2, 3]),
    savesUnderWayMax: random.pick([1, 1, 3, 3]),
    appendBytesMax: random.pick([32, 200, 2000]),
    inflightCountMax: random.pick([1, 3, 16]),
    inflightBytesMax: random.pick([64, 1000, 100_000]),
    recentBytesMax: random.pick([16, 200, 100_000]),
    uncommittedBytesMax: random.pick([2000, 100_000]),
    snapshotChunkBytes: random.pick([128, 500, 100_000]),
    snapshotChunksMax: random.pick([1, 2, 4]),
  };
}

function drawOp(random: Random, { on }: ClusterSwarm): ClusterOpBody {
  const node: NodeChoice = random.chance(0.6) ? null : random.below(8);
  const key = random.below(KEYS);
  const bytes = random.pick([4, 20, 100, 600]);
  const rare: ClusterOpBody[] = [
    { kind: 'snapshot', node },
    { kind: 'unreachable', node },
    { kind: 'campaign', node },
  ];
  if (on.has('transfer')) rare.push({ kind: 'transfer', node: random.below(8) });
  if (on.has('membership')) {
    rare.push({ kind: 'grow' }, { kind: 'shrink', node: random.below(8) }, { kind: 'swap', node });
  }
  const draw = random.fraction();
  if (draw < 0.5) return { kind: 'put', key, bytes, node };
  if (draw < 0.75) return { kind: 'get', key, node };
  if (draw < 0.85) return { kind: 'burst', key, count: 2 + random.below(7), bytes };
  return random.pick(rare);
}
