import type { CrashPoint } from '../disk/calls/call-kinds.js';
import type { CallClass } from '../plan/plan.js';
import { Random, subSeed } from '../world/random.js';
import type {
  CallFault,
  ClusterConfig,
  ClusterFault,
  ClusterFaultBody,
  CrashPlan,
  NodeChoice,
} from './cluster-plan.js';
import type { ClusterClass, ClusterSwarm } from './cluster-swarm.js';

/** Draws for faults of a plan; a class that is off draws none. */
const DRAWS = 30;
/** Opens behind one crash that may crash in their turn. */
const LIVES_MAX = 3;
const AGAIN_RATE = 0.35;
/** Share of the crashes that fall at a sync or a rename. */
const AT_SYNC = 1 / 3;

const CRASHES = ['kill', 'power', 'kill-power'] as const;
const POINTS: readonly CrashPoint[] = ['before', 'inside', 'after'];

/** Failures of calls: of which class, what happens, and at which calls. */
const FAILURES: readonly (readonly [ClusterClass, CallFault, CallClass])[] = [
  ['sync-error', 'EIO', 'sync'],
  ['sync-error', 'EIO', 'sync'],
  ['write-error', 'EIO', 'write'],
  ['read-error', 'EIO', 'read'],
  ['name-error', 'EIO', 'name'],
  ['no-space', 'ENOSPC', 'write'],
  ['no-space', 'ENOSPC', 'sync'],
  ['too-many-open-files', 'EMFILE', 'open'],
  ['short', 'short-read', 'read'],
  ['short', 'short-write', 'write'],
  ['slow', 'slow', 'any'],
  ['slow', 'stuck', 'any'],
  ['eviction', 'eviction', 'any'],
];

/** Share of the cuts that are of whoever leads by then. */
const LEADER_CUT = 0.3;

type Draw = (random: Random, swarm: ClusterSwarm, config: ClusterConfig) => ClusterFaultBody | null;

/** How often each kind of fault is drawn, beside the others. */
const KINDS: readonly (readonly [weight: number, draw: Draw])[] = [
  [9, drawCrash],
  [2, drawCrashAll],
  [3, drawCrashDuring],
  [6, drawCut],
  [3, drawRough],
  [2, drawPause],
  [6, drawCall],
  [2, drawSqueeze],
  [1, drawRot],
  [1, drawLoss],
  [2, drawTailLoss],
];
const WEIGHTS = KINDS.reduce((sum, [weight]) => sum + weight, 0);

/** The faults of a plan, each from its own sub-seed. */
export function drawClusterFaults(seed: number, config: ClusterConfig, swarm: ClusterSwarm): ClusterFault[] {
  const faults: ClusterFault[] = [];
  for (let id = 1; id <= DRAWS; id += 1) {
    const random = new Random(subSeed(seed, id));
    const atMs = Math.round(random.fraction() * config.spanMs);
    let left = random.below(WEIGHTS);
    const draw = KINDS.find(([weight]) => (left -= weight) < 0)?.[1];
    const body = draw?.(random, swarm, config) ?? null;
    if (body !== null) faults.push({ id, atMs, ...body });
  }
  return faults.sort((a, b) => a.atMs - b.atMs);
}

/** Whole virtual milliseconds of so many ticks. */
function inTicks({ tickMs }: ClusterConfig, ticks: number): number {
  return Math.round(ticks * tickMs);
}

function drawNode(random: Random): NodeChoice {
  return random.chance(0.35) ? null : random.below(8);
}

function drawCrash(random: Random, swarm: ClusterSwarm, config: ClusterConfig): ClusterFaultBody | null {
  const kinds = CRASHES.filter((kind) => swarm.on.has(kind));
  if (kinds.length === 0) return null;
  const crashes: CrashPlan[] = [drawCrashPlan(random, config, kinds, 12)];
  if (swarm.on.has('in-recovery')) {
    while (crashes.length <= LIVES_MAX && random.chance(AGAIN_RATE))
      crashes.push(drawCrashPlan(random, config, kinds, 60));
  }
  const nodes: NodeChoice[] = [drawNode(random)];
  while (swarm.on.has('crash-many') && random.chance(0.35)) nodes.push(random.below(8));
  return { kind: 'crash', nodes, crashes };
}

function drawCrashPlan(
  random: Random,
  config: ClusterConfig,
  kinds: readonly (typeof CRASHES)[number][],
  calls: number,
): CrashPlan {
  // Between two changes of the disk a crash leaves the same wherever it falls.
  const on: CallClass = random.chance(AT_SYNC) ? 'sync-or-rename' : 'change';
  return {
    how: random.pick(kinds),
    on,
    nth: 1 + random.below(Math.ceil(calls / (on === 'change' ? 3 : 5))),
    at: random.pick(POINTS),
    downMs: drawDownMs(random, config),
  };
}

function drawCrashDuring(
  random: Random,
  swarm: ClusterSwarm,
  config: ClusterConfig,
): ClusterFaultBody | null {
  const kinds = CRASHES.filter((kind) => swarm.on.has(kind));
  if (kinds.length === 0) return null;
  const doing = random.pick(['install', 'install', 'snapshot', 'compaction'] as const);
  return { kind: 'crash-during', doing, crash: drawCrashPlan(random, config, kinds, 18) };
}

function drawDownMs(random: Random, config: ClusterConfig): number {
  return inTicks(config, random.pick([0, 0.5, 5, 20, 80]) + random.below(3));
}

function drawCrashAll(random: Random, swarm: ClusterSwarm, config: ClusterConfig): ClusterFaultBody | null {
  const kinds = CRASHES.filter((kind) => swarm.on.has(kind));
  if (kinds.length === 0 || !swarm.on.has('crash-many')) return null;
  return {
    kind: 'crash-all',
    how: random.pick(kinds),
    downMs: [0, 1, 2, 3, 4].map(() => drawDownMs(random, config)),
  };
}

/**
 * One link one way, all links of one node or of whoever leads, or every link between two halves; each heals in its own time.
 */
function drawCut(random: Random, swarm: ClusterSwarm, config: ClusterConfig): ClusterFaultBody | null {
  if (!swarm.on.has('cut')) return null;
  const { voterCount } = config;
  if (random.chance(LEADER_CUT)) return drawLeaderCut(random, config);
  const nodes = Array.from({ length: voterCount + 1 }, (_, at) => at);
  const pairs = nodes.flatMap((from) => nodes.filter((to) => to !== from).map((to) => [from, to] as const));
  const alone = random.below(voterCount);
  const side = new Set(nodes.filter(() => random.chance(0.5)));
  const shape = random.pick(['one-way', 'inward', 'outward', 'alone', 'halves', 'some'] as const);
  const cut = pairs.filter(([from, to]) => {
    const isChosen = random.chance(0.3);
    switch (shape) {
      case 'one-way':
        return from === alone && to === (alone + 1) % voterCount;
      case 'inward':
        return to === alone;
      case 'outward':
        return from === alone;
      case 'alone':
        return from === alone || to === alone;
      case 'halves':
        return side.has(from) !== side.has(to);
      case 'some':
        return isChosen;
    }
  });
  const ticks = random.pick([3, 15, 40, 100]);
  const links = cut.map((link) => ({ link, ms: inTicks(config, ticks * (0.5 + random.fraction())) }));
  return links.length === 0 ? null : { kind: 'cut', links };
}

/** What it is sent it does not hear, and what it appends nobody hears of, or hears and cannot say so. */
function drawLeaderCut(random: Random, config: ClusterConfig): ClusterFaultBody {
  const ticks = random.pick([10, 20, 40]);
  const isHeard = random.chance(0.3);
  const links = Array.from({ length: config.voterCount + 1 }, (_, at) => at).flatMap((at) => {
    const ms = inTicks(config, ticks * (0.5 + random.fraction()));
    const inward = { link: [at, null] as const, ms };
    return isHeard ? [inward] : [inward, { link: [null, at] as const, ms }];
  });
  return { kind: 'cut', links, writes: random.below(9) };
}

function drawRough(random: Random, swarm: ClusterSwarm, config: ClusterConfig): ClusterFaultBody | null {
  if (!swarm.on.has('rough') && !swarm.on.has('late')) return null;
  return {
    kind: 'rough',
    drop: swarm.on.has('rough') ? random.pick([0, 0.05, 0.3]) : 0,
    duplicate: swarm.on.has('rough') ? random.pick([0, 0.1, 0.5]) : 0,
    late: swarm.on.has('late') ? random.pick([0.02, 0.2, 0.6]) : 0,
    lateMs: inTicks(config, random.pick([0.5, 5, 30, 120])),
    ms: inTicks(config, random.pick([10, 50, 200])),
  };
}

function drawPause(random: Random, swarm: ClusterSwarm, config: ClusterConfig): ClusterFaultBody | null {
  if (!swarm.on.has('pause')) return null;
  return {
    kind: 'pause',
    node: drawNode(random),
    ms: inTicks(config, random.pick([2, 15, 60]) + random.below(5)),
  };
}

function drawCall(random: Random, swarm: ClusterSwarm): ClusterFaultBody | null {
  const possible = FAILURES.filter(([name]) => swarm.on.has(name));
  if (possible.length === 0) return null;
  const [, what, on] = random.pick(possible);
  return { kind: 'call', node: drawNode(random), what, on, nth: 1 + random.below(20) };
}

function drawSqueeze(random: Random, swarm: ClusterSwarm, config: ClusterConfig): ClusterFaultBody | null {
  if (!swarm.on.has('full-disk')) return null;
  const freeBytes = random.pick([0, 0, 1000, 8000]);
  return {
    kind: 'squeeze',
    node: drawNode(random),
    freeBytes,
    ms: inTicks(config, random.pick([10, 60, 150])),
    campaigner: random.below(8),
  };
}

function drawRot(random: Random, swarm: ClusterSwarm): ClusterFaultBody | null {
  if (!swarm.on.has('rot')) return null;
  return {
    kind: 'rot',
    node: drawNode(random),
    what: random.pick(['bit-rot', 'unreadable-sector'] as const),
  };
}

function drawLoss(random: Random, swarm: ClusterSwarm, config: ClusterConfig): ClusterFaultBody | null {
  if (!swarm.on.has('lost-disk')) return null;
  return {
    kind: 'lose-disk',
    node: drawNode(random),
    freshAfterMs: inTicks(config, random.pick([1, 20, 80])),
  };
}

function drawTailLoss(random: Random, swarm: ClusterSwarm, config: ClusterConfig): ClusterFaultBody | null {
  if (!swarm.on.has('lost-tail')) return null;
  const keepShare = random.pick([0, 0.5, 0.9]);
  return {
    kind: 'lose-tail',
    node: drawNode(random),
    keepShare,
    downMs: inTicks(config, random.pick([1, 5, 20])),
  };
}
