import { Random, subSeed } from '../world/random.js';
import type { CrashPoint } from '../disk/calls/call-kinds.js';
import {
  type CallClass,
  type FaultPlace,
  type PlanFault,
  type PlanFaultKind,
  type PlanOp,
  REPAIR_OP,
} from './plan.js';
import type { FaultClass, Swarm } from './swarm.js';

/** Opens behind one crash that may crash or fail in their turn. */
const LIVES_MAX = 4;
/** Probability that such an open is hit. */
const AGAIN_RATE = 0.35;
/** Operations that change nothing on the disk: what a crash in them leaves, one behind the operation before leaves too. */
const QUIET: ReadonlySet<PlanOp['kind']> = new Set<PlanOp['kind']>([
  'read',
  'read-snapshot',
  'squeeze',
  'release',
  'wrong',
  'empty',
]);
/** How often those are hit, against the others. */
const AT_REST = 0.25;
/** Share of the crashes that fall at a sync or a rename. */
const AT_SYNC = 1 / 3;

/** Classes of calls that faults are drawn for. */
type DrawnClass = Extract<
  CallClass,
  'any' | 'change' | 'sync-or-rename' | 'sync' | 'write' | 'read' | 'open' | 'name'
>;

const CRASHES = ['kill', 'power', 'kill-power'] as const;
const POINTS: readonly CrashPoint[] = ['before', 'inside', 'after'];

/** Faults that are no crash: of which class, what happens, and at which calls. */
const FAILURES: readonly (readonly [FaultClass, PlanFaultKind, DrawnClass])[] = [
  ['sync-error', 'EIO', 'sync'],
  ['sync-error', 'EIO', 'sync'],
  ['write-error', 'EIO', 'write'],
  ['read-error', 'EIO', 'read'],
  ['name-error', 'EIO', 'name'],
  ['no-space', 'ENOSPC', 'write'],
  ['no-space', 'ENOSPC', 'write'],
  ['no-space', 'ENOSPC', 'sync'],
  ['no-space', 'ENOSPC', 'name'],
  ['too-many-open-files', 'EMFILE', 'open'],
  ['short', 'short-read', 'read'],
  ['short', 'short-write', 'write'],
  ['slow', 'slow', 'any'],
  ['slow', 'stuck', 'any'],
  ['eviction', 'eviction', 'any'],
];

const ROT: readonly PlanFaultKind[] = [
  'bit-rot',
  'bit-rot',
  'snapshot-rot',
  'unreadable-sector',
  'misplaced-sector',
];
const OVER_BUDGET: readonly PlanFaultKind[] = ['rot-anywhere', 'rot-anywhere', 'misdirected-write'];

/** The faults of one operation and of the opens behind it, all from its own sub-seed. */
export function drawFaults(seed: number, op: PlanOp, opCount: number, swarm: Swarm): PlanFault[] {
  const faults: PlanFault[] = [];
  const random = new Random(subSeed(seed, 'crash'));
  const crashes = CRASHES.filter((kind) => swarm.on.has(kind));
  if (crashes.length > 0 && random.chance(swarm.crashRate * (QUIET.has(op.kind) ? AT_REST : 1))) {
    faults.push(crashAt(random, random.pick(crashes), op, 0));
    if (swarm.on.has('in-recovery'))
      for (const fault of drawInRecovery(random, crashes, op, swarm)) faults.push(fault);
  }
  const failures = drawFailure(new Random(subSeed(seed, 'failure')), op, 0, swarm, swarm.errorRate);
  // What a store does about a failure may fail in its turn.
  const again = failures.length > 0 ? AGAIN_RATE : 0;
  return [
    ...faults,
    ...failures,
    ...drawFailure(new Random(subSeed(seed, 'failure again')), op, 0, swarm, again),
    ...drawDamage(new Random(subSeed(seed, 'damage')), op, opCount, swarm),
    ...drawHeldRead(new Random(subSeed(seed, 'held read')), op, swarm),
    ...drawAimed(new Random(subSeed(seed, 'aimed')), op, swarm),
    ...drawLostTail(new Random(subSeed(seed, 'lost tail')), op, swarm),
    ...drawHeldSync(new Random(subSeed(seed, 'held sync')), op, swarm),
    ...drawRefusedRotation(new Random(subSeed(seed, 'refused rotation')), op, swarm),
  ];
}

/** Calls that a rule is about, by file: a place that is drawn among all calls of an operation hardly ever meets them. */
const AIMS: readonly (readonly [FaultClass, PlanFaultKind, CallClass, string])[] = [
  ['sync-error', 'EIO', 'dataSync', '*.wal'],
  ['sync-error', 'EIO', 'dataSync', '*.wal'],
  ['sync-error', 'EIO', 'dataSync', 'superblock'],
  ['sync-error', 'EIO', 'syncDirectory', 'wal'],
  ['sync-error', 'EIO', 'syncDirectory', 'snapshots'],
  ['write-error', 'EIO', 'write', 'superblock'],
  ['read-error', 'EIO', 'read', 'superblock'],
  ['no-space', 'ENOSPC', 'write', '*.wal'],
  ['too-many-open-files', 'EMFILE', 'syncDirectory', 'wal'],
];
const AIMED = 0.05;
const LOST_TAILS = 0.05;
/** Writes of the superblock by which an open stamps its epoch: behind its judgement, and before its last look at the tail. */
const STAMPS = 3;

function drawAimed(random: Random, op: PlanOp, swarm: Swarm): PlanFault[] {
  const aims = AIMS.filter(([name]) => swarm.on.has(name));
  if (QUIET.has(op.kind) || aims.length === 0 || !random.chance(AIMED)) return [];
  const [, kind, on, of] = random.pick(aims);
  return [{ at: { op: op.id, life: 0, on, of, nth: 1 + random.below(3) }, kind }];
}

/** D5: what a failed sync has lost the page cache shows still, and then, in the midst of the next open, does not. */
function drawLostTail(random: Random, op: PlanOp, swarm: Swarm): PlanFault[] {
  const needs = ['sync-error', 'kill', 'eviction'] as const;
  if (!ONLY_SAVES.has(op.kind) || !needs.every((name) => swarm.on.has(name))) return [];
  if (!random.chance(LOST_TAILS)) return [];
  const here = { op: op.id, life: 0 } as const;
  return [
    { at: { ...here, on: 'dataSync', of: '*.wal', nth: 1 }, kind: 'EIO' },
    { at: { ...here, on: 'change', nth: 1000 }, kind: 'kill' },
    {
      at: { op: op.id, life: 1, on: 'write', of: 'superblock', nth: 1 + random.below(STAMPS) },
      kind: 'eviction',
    },
  ];
}

/** A read that goes on while what it reads is compacted: it must be stuck, since a compaction takes longer than any read. */
function drawHeldRead(random: Random, op: PlanOp, swarm: Swarm): PlanFault[] {
  if (op.kind !== 'compact' || op.saves === undefined || !swarm.on.has('slow') || !random.chance(0.3))
    return [];
  return [{ at: { op: op.id, life: 0, on: 'read', of: '*.wal', nth: 1 }, kind: 'stuck' }];
}

/** A sync of the writer that hangs while a reader opens: what it is to make durable no mark proves, and no reader may show (R10). */
function drawHeldSync(random: Random, op: PlanOp, swarm: Swarm): PlanFault[] {
  if (op.kind !== 'beside' || op.saves === undefined || op.compacts === true) return [];
  if (!swarm.on.has('slow') || !random.chance(0.5)) return [];
  return [
    { at: { op: op.id, life: 0, on: 'dataSync', of: '*.wal', nth: 1 + random.below(2) }, kind: 'stuck' },
  ];
}

/** Operations that save and do nothing else: there the first write of the superblock is that of a rotation. */
const ONLY_SAVES: ReadonlySet<PlanOp['kind']> = new Set<PlanOp['kind']>(['append', 'mixed', 'burst']);
/** Most of them rotate nothing, and meet no such fault. */
const REFUSED_ROTATIONS = 0.15;

/**
 * A rotation that a full disk takes back: what is smaller goes on behind the seal of a segment that is live again. Now and
 * then a power cut follows closely, before any sync of names has made that durable.
 */
function drawRefusedRotation(random: Random, op: PlanOp, swarm: Swarm): PlanFault[] {
  if (!ONLY_SAVES.has(op.kind) || !swarm.on.has('no-space') || !random.chance(REFUSED_ROTATIONS)) return [];
  const refused = { op: op.id, life: 0, on: 'write', of: 'superblock', nth: 1 } as const;
  const cut = {
    op: op.id + random.below(3),
    life: 0,
    on: 'write',
    of: '*.wal',
    nth: 1 + random.below(4),
  } as const;
  const isCut = swarm.on.has('power') && random.chance(0.3);
  return [
    { at: refused, kind: 'ENOSPC' },
    ...(isCut ? [{ at: cut, kind: 'power', arg: 'before' } as const] : []),
  ];
}

/** Directories whose names a copy syncs: the one that it is made in, itself, its segments'. */
const COPY_PLACES = ['data', 'clone', 'clone', 'clone-wal', 'checkpoint'] as const;
/** Each is synced two or three times; what the first two prove, all that follows rests on. */
const COPY_SYNCS = [1, 1, 1, 2, 3] as const;
/** Calls that change the disk, about, of a try that was stopped there, and of the next one until it is nearly whole. */
const COPY_CHANGES = 60;
const NEARLY_WHOLE = { from: 28, count: 16 } as const;

/**
 * As of any operation; where the copy is tried again a sync of names fails, behind which no name is proven (D5), and now and
 * then the next try is cut.
 */
export function drawCopyFaults(
  seed: number,
  op: Extract<PlanOp, { kind: 'copy' }>,
  opCount: number,
  swarm: Swarm,
): PlanFault[] {
  const faults = drawFaults(seed, op, opCount, swarm);
  const random = new Random(subSeed(seed, 'names'));
  if (op.cut !== true || !swarm.on.has('sync-error') || !random.chance(0.8)) return faults;
  const at = { op: op.id, life: 0 } as const;
  const names = { on: 'syncDirectory', of: random.pick(COPY_PLACES), nth: random.pick(COPY_SYNCS) } as const;
  faults.push({ at: { ...at, ...names }, kind: 'EIO' });
  const isLate = random.chance(0.5);
  const nth = isLate ? NEARLY_WHOLE.from + random.below(NEARLY_WHOLE.count) : 1 + random.below(COPY_CHANGES);
  if (swarm.on.has('power') && random.chance(0.5))
    faults.push({ at: { ...at, on: 'change', nth }, kind: 'power', arg: 'before' });
  return faults;
}

/** Calls of a repair that change the disk, and those that sync or rename: about so many of each. */
const REPAIR_CHANGES = 45;

/** A repair is rare, so that most of them are crashed or hit, some again and again. */
export function drawRepairFaults(seed: number, swarm: Swarm): PlanFault[] {
  const random = new Random(seed);
  const crashes = CRASHES.filter((kind) => swarm.on.has(kind));
  const faults: PlanFault[] = [];
  for (let life = 0; life <= LIVES_MAX && random.chance(0.7); life++) {
    const on: DrawnClass = random.chance(AT_SYNC) ? 'sync-or-rename' : 'change';
    const nth = 1 + random.below(REPAIR_CHANGES);
    const at = { op: REPAIR_OP, life, on, nth };
    if (crashes.length > 0 && random.chance(0.8))
      faults.push({ at, kind: random.pick(crashes), arg: random.pick(POINTS) });
    else if (swarm.on.has('sync-error'))
      faults.push({ at: { ...at, on: 'sync', nth: 1 + (nth % 30) }, kind: 'EIO' });
  }
  return faults;
}

function drawInRecovery(
  random: Random,
  crashes: readonly (typeof CRASHES)[number][],
  op: PlanOp,
  swarm: Swarm,
): PlanFault[] {
  const faults: PlanFault[] = [];
  for (let life = 1; life <= LIVES_MAX && random.chance(AGAIN_RATE); life++) {
    if (random.chance(0.2)) for (const fault of drawFailure(random, op, life, swarm, 1)) faults.push(fault);
    else faults.push(crashAt(random, random.pick(crashes), op, life));
  }
  return faults;
}

function crashAt(random: Random, kind: (typeof CRASHES)[number], op: PlanOp, life: number): PlanFault {
  // Between two changes of the disk a crash leaves the same wherever it falls, and four of five calls of an open change nothing.
  const on: DrawnClass = random.chance(AT_SYNC) ? 'sync-or-rename' : 'change';
  return { at: placeOf(random, op, life, on), kind, arg: random.pick(POINTS) };
}

function drawFailure(random: Random, op: PlanOp, life: number, swarm: Swarm, rate: number): PlanFault[] {
  const { isOverBudget } = swarm;
  const possible = FAILURES.filter(([name]) => swarm.on.has(name));
  if (!random.chance(rate)) return [];
  if (isOverBudget && random.chance(0.3))
    return [{ at: placeOf(random, op, life, 'write'), kind: 'misdirected-write' }];
  if (possible.length === 0) return [];
  const [, kind, on] = random.pick(possible);
  return [{ at: placeOf(random, op, life, on), kind }];
}

/** Damage ends most scenarios, so it comes late. */
function drawDamage(random: Random, op: PlanOp, opCount: number, swarm: Swarm): PlanFault[] {
  if (!swarm.on.has('rot') || op.id < opCount / 3) return [];
  const kinds = swarm.isOverBudget ? OVER_BUDGET : ROT;
  if (!random.chance(0.03)) return [];
  const kind = random.pick(kinds);
  const on = kind === 'misdirected-write' ? 'write' : 'any';
  return [{ at: placeOf(random, op, 0, on), kind }];
}

/** As long as an open, or longer. */
const LONG: ReadonlySet<PlanOp['kind']> = new Set<PlanOp['kind']>(['reopen', 'takeover', 'moved', 'copy']);

/** Calls that an operation makes, about: a place far beyond is never reached. */
function placeOf(random: Random, op: PlanOp, life: number, on: DrawnClass): FaultPlace {
  const isLong = life > 0 || LONG.has(op.kind);
  const isMiddling =
    op.kind === 'snapshot' || op.kind === 'install' || op.kind === 'burst' || op.kind === 'stream';
  const calls = isLong ? 70 : isMiddling ? 30 : random.pick([3, 4, 20]);
  const share = {
    any: 1,
    // Of the calls of a save two in three change the disk, of those of an open one in five.
    change: isLong ? 0.24 : 0.43,
    'sync-or-rename': 0.2,
    sync: 0.2,
    write: 0.2,
    read: 0.4,
    open: 0.2,
    name: 0.3,
  }[on];
  return { op: op.id, life, on, nth: 1 + random.below(Math.max(1, Math.round(calls * share))) };
}
