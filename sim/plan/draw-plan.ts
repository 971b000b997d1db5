import { Random, seedOf, subSeed } from '../world/random.js';
import { drawCopyFaults, drawFaults, drawRepairFaults } from './draw-faults.js';
import { drawBesideInstall, drawCopy, drawOp, drawRollback, drawUnderWay } from './draw-op.js';
import {
  type Plan,
  PLAN_VERSION,
  type PlanConfig,
  type PlanFault,
  type PlanOp,
  type PlanProfile,
} from './plan.js';
import { drawSwarm, type Swarm } from './swarm.js';

/** Operations of a drawn plan. */
const OPS = 60;

/** Share of the plans whose file system copies on write. */
const COPIES_ON_WRITE = 0.25;
/** Memory for the newest entries: none, a few of them, more than a plan writes. */
const RECENT_BYTES = [0, 3000, 1_000_000] as const;

/** Share of the operations behind which a rollback is tried, and a damage. */
const ROLLBACKS = 0.04;
const HURTS = 0.02;
/** Share of the plans that are about damage, and of their operations behind which more is done to a copy. */
const WOUNDED = 0.1;
const WOUNDS = 0.15;
/** The same in any plan where a rotation may be refused, there and behind the next one: damage in front of its seal. */
const WOUNDS_AT_REFUSAL = 0.15;
/** Share of the operations behind which a copy of the store is made. */
const COPIES = 0.02;
/** And behind which two processes open one. */
const TWINS = 0.015;

/** Share of the snapshots while which others are asked for. */
const SNAPSHOTS_IN_LINE = 0.25;

/** Stands for the open that makes the store, so that it meets faults like any other. */
const FIRST_OPEN: PlanOp = { id: 0, kind: 'reopen', readsAll: false };

/** The plan of a seed. Each operation draws from its own sub-seed, each fault from its own too. */
export function drawPlan(seed: number, profile: PlanProfile): Plan {
  const root = seedOf(seed);
  const swarm = drawSwarm(subSeed(root, 'swarm'), profile);
  const ops: PlanOp[] = [];
  for (let id = 1; id <= OPS; id++) {
    const op = drawOp(new Random(subSeed(subSeed(root, 'op'), id)), swarm, id);
    // From sub-seeds of its own: it came later, and changes nothing else of a seed.
    const more = new Random(subSeed(subSeed(root, 'beside'), id));
    if (op.kind === 'install') ops.push({ id, ...op, ...drawBesideInstall(more, swarm, op) });
    else if (op.kind === 'reopen') ops.push({ id, ...op, ...drawUnderWay(more) });
    else if (op.kind === 'snapshot' && more.chance(SNAPSHOTS_IN_LINE)) ops.push({ id, ...op, queues: true });
    else ops.push({ id, ...op });
  }
  const faults = [FIRST_OPEN, ...ops].flatMap((op) =>
    drawFaults(subSeed(subSeed(root, 'fault'), op.id), op, OPS, swarm),
  );
  if (swarm.on.has('rot'))
    for (const fault of drawRepairFaults(subSeed(root, 'repair'), swarm)) faults.push(fault);
  const drawn = drawConfig(new Random(subSeed(root, 'config')), profile);
  // From sub-seeds of their own: they came later, and change nothing else of a seed.
  const copies = new Random(subSeed(root, 'copies-on-write')).chance(COPIES_ON_WRITE);
  const recentBytes = new Random(subSeed(root, 'recent')).pick(RECENT_BYTES);
  const config = {
    ...drawn,
    ...(copies ? { disk: { ...drawn.disk, copiesOnWrite: true } } : {}),
    ...(recentBytes === 0 ? {} : { recentBytes }),
  };
  const rolled = swarm.on.has('rollback') ? withRollbacks(subSeed(root, 'rollback'), ops) : ops;
  const all = swarm.on.has('rot') ? withHurts(subSeed(root, 'hurt'), rolled) : rolled;
  const wounded = swarm.on.has('rot') ? withWounds(subSeed(root, 'wounds'), all, refusals(faults)) : all;
  const twinned = swarm.on.has('lock-lost') ? withTwins(subSeed(root, 'twins'), wounded) : wounded;
  const copied = withCopies(subSeed(root, 'copy'), twinned, swarm);
  for (const op of copied)
    if (op.kind === 'copy')
      for (const fault of drawCopyFaults(subSeed(subSeed(root, 'copy fault'), op.id), op, OPS, swarm))
        faults.push(fault);
  return { version: PLAN_VERSION, profile, seed: root, config, ops: copied, faults };
}

/** Rollbacks are tried in copies of the disk, between the other operations, and change nothing for those. */
function withRollbacks(seed: number, ops: readonly PlanOp[]): PlanOp[] {
  return ops.flatMap((op) => {
    const random = new Random(subSeed(seed, op.id));
    return random.chance(ROLLBACKS) ? [op, { id: OPS + op.id, ...drawRollback(random) }] : [op];
  });
}

/** Copies came later too. */
function withCopies(seed: number, ops: readonly PlanOp[], swarm: Swarm): PlanOp[] {
  return ops.flatMap((op) => {
    const random = new Random(subSeed(seed, op.id));
    const isOwn = op.id <= OPS && random.chance(COPIES);
    return isOwn ? [op, { id: 3 * OPS + op.id, ...drawCopy(random, swarm) }] : [op];
  });
}

function withTwins(seed: number, ops: readonly PlanOp[]): PlanOp[] {
  return ops.flatMap((op) => {
    const isOwn = op.id <= OPS && new Random(subSeed(seed, op.id)).chance(TWINS);
    return isOwn ? [op, { id: 4 * OPS + op.id, kind: 'twins' }] : [op];
  });
}

/** So is damage. */
function withHurts(seed: number, ops: readonly PlanOp[]): PlanOp[] {
  return ops.flatMap((op) => {
    const random = new Random(subSeed(seed, op.id));
    const what = random.pick(['snapshot', 'snapshot', 'frame'] as const);
    return op.id <= OPS && random.chance(HURTS) ? [op, { id: 2 * OPS + op.id, kind: 'hurt', what }] : [op];
  });
}

/** Damage of more kinds came later: a repair takes long, so few plans have it often. */
function withWounds(seed: number, ops: readonly PlanOp[], refused: ReadonlySet<number>): PlanOp[] {
  const rate = new Random(subSeed(seed, 'plan')).chance(WOUNDED) ? WOUNDS : 0;
  return ops.flatMap((op) => {
    if (op.id > OPS) return [op];
    const random = new Random(subSeed(seed, op.id));
    const isRefused = refused.has(op.id) || refused.has(op.id - 1);
    const what = random.pick(['frame', 'frames', 'frames', 'segment', 'superblock'] as const);
    const wound = { id: 5 * OPS + op.id, kind: 'hurt', what: isRefused ? 'frames' : what } as const;
    return random.chance(isRefused ? Math.max(rate, WOUNDS_AT_REFUSAL) : rate) ? [op, wound] : [op];
  });
}

/** Operations in which the superblock finds no room. */
function refusals(faults: readonly PlanFault[]): ReadonlySet<number> {
  return new Set(
    faults.flatMap(({ kind, at }) => (kind === 'ENOSPC' && at.of === 'superblock' ? [at.op] : [])),
  );
}

function drawConfig(random: Random, profile: PlanProfile): PlanConfig {
  return {
    disk: {
      metadata: random.pick(['strict', 'journal'] as const),
      sectorBytes: random.pick([32, 64, 512, 4096] as const),
      images: random.pick(['mixed', 'mixed', 'drop-all', 'per-file'] as const),
      failedSync: random.pick(['keeps', 'goes-back'] as const),
      calls: random.pick(['inline', 'inline', 'as-asked', 'background'] as const),
      powerSafeOverwrite: profile === 'disk' || random.chance(0.7),
    },
    segmentBytes: random.pick([4096, 4096, 8192, 16_384]),
    batchBytesMax: random.pick([131_072, 16_777_216]),
    snapshotsKept: random.pick([1, 2, 2, 3]),
    writeMode: random.pick(['auto', 'inline', 'background'] as const),
    walDirIsSeparate: random.chance(0.2),
    ...(profile === 'disk' ? { repairs: true } : {}),
    ...(random.chance(0.2) ? { queueBytesMax: 1500 } : {}),
  };
}
