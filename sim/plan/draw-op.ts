import type { Random } from '../world/random.js';
import {
  COPY_IDENTITIES,
  COPY_WAYS,
  type CopyWay,
  MOVED_PARTS,
  type OpBody,
  type OpKind,
  PUT_IN_PLACE,
  type SaveOp,
  UNDER_WAY,
  type UnderWay,
  SNAPSHOT_BREAKS,
  type ValueChange,
  WRONG_SAVES,
} from './plan.js';
import type { Swarm } from './swarm.js';

/** How often each kind of save is drawn, against the others. */
const SAVE_WEIGHTS: readonly (readonly [SaveOp['kind'], number])[] = [
  ['append', 10],
  ['conflict', 2],
  ['resend', 1],
  ['truncate', 1],
  ['vote', 2],
  ['commit', 2],
  ['empty', 0.5],
  ['values', 1.5],
  ['mixed', 4],
  ['wrong', 0.5],
];

type OtherKind = Exclude<OpKind, SaveOp['kind'] | 'rollback' | 'hurt' | 'copy' | 'twins'>;

const SNAPSHOT_KINDS: ReadonlySet<OpKind> = new Set<OpKind>(['snapshot', 'install', 'compact']);

const WEIGHTS: readonly (readonly [OtherKind | 'save', number])[] = [
  ['save', 22],
  ['burst', 9],
  ['snapshot', 3],
  ['install', 2],
  ['compact', 3],
  ['read', 3],
  ['stream', 1],
  ['read-snapshot', 1],
  ['reopen', 3],
  ['beside', 1],
  ['wait', 2],
  ['takeover', 1],
  ['moved', 1],
  ['squeeze', 1.5],
  ['release', 1.5],
];

/** Draws one operation of a scenario. */
export function drawOp(random: Random, swarm: Swarm, place: number): OpBody {
  // A first save before anything else: an empty log hides most of what the rest could show.
  const kind = place === 1 ? 'save' : pickWeighted(random, WEIGHTS, (name) => weightOf(name, swarm));
  const beside = (max: number): SaveOp[] => drawSaves(random, swarm, random.below(max + 1));
  switch (kind) {
    case 'save':
      return place === 1 ? drawAppend(random, swarm) : drawSave(random, swarm);
    case 'burst':
      return {
        kind,
        saves: drawSaves(random, swarm, 2 + random.below(6)),
        ...(random.chance(0.5) ? { gapMs: random.pick([0, 0.05, 0.2, 1]) } : {}),
        ...(random.chance(0.3) ? { reads: true } : {}),
      };
    case 'snapshot': {
      const { bytes, chunks } = drawData(random);
      const op = { kind, share: share(random), bytes, chunks, beside: beside(3) };
      const held = random.chance(0.3) ? { ...op, holds: true } : op;
      return random.chance(0.15) ? { ...held, breaks: random.pick(SNAPSHOT_BREAKS) } : held;
    }
    case 'install': {
      const { bytes, chunks } = drawData(random);
      const keeps = random.chance(0.4);
      const op = { kind, keeps, share: share(random), ahead: random.below(12), bytes, chunks };
      if (random.chance(0.15)) return { ...op, held: true };
      return keeps && random.chance(0.6) ? { ...op, beside: beside(3) } : op;
    }
    case 'compact':
      return drawCompact(random, swarm);
    case 'read':
      return {
        kind,
        share: share(random),
        count: 1 + random.below(20),
        bytesMax: random.pick([0, 100, 1000, 1e9]),
      };
    case 'stream':
      return {
        kind,
        share: share(random),
        ...(random.chance(0.6) ? { beside: drawSaves(random, swarm, 1 + random.below(4)) } : {}),
        ...(random.chance(0.3) ? { compacts: true } : {}),
        ...(random.chance(0.3) ? { chunks: true } : {}),
        ...drawReplaced(random, swarm),
      };
    case 'reopen':
      return {
        kind,
        readsAll: random.chance(0.3),
        ...(random.chance(0.4) ? { saves: drawSaves(random, swarm, 1 + random.below(4)) } : {}),
      };
    case 'wait':
      return { kind, ms: random.pick([0, 1, 20, 150, 1500]) };
    case 'takeover':
      return { kind, saves: drawSaves(random, swarm, random.below(4)) };
    case 'moved':
      return drawMoved(random, swarm);
    case 'squeeze':
      return drawSqueeze(random);
    case 'read-snapshot':
      return { kind, share: share(random) };
    case 'beside': {
      if (random.chance(0.4)) return { kind };
      return { kind, saves: drawSaves(random, swarm, 1 + random.below(5)), compacts: random.chance(0.6) };
    }
    case 'release':
      return { kind };
  }
}

/** Saves under way when a snapshot from a leader takes the log's place, and such as are queued behind its record. */
export function drawBesideInstall(
  random: Random,
  swarm: Swarm,
  { keeps, held }: { readonly keeps: boolean; readonly held?: boolean },
): { beside?: SaveOp[]; behind?: SaveOp[] } {
  if (keeps || held === true) return {};
  return {
    ...(random.chance(0.5) ? { beside: drawSaves(random, swarm, 1 + random.below(3)) } : {}),
    ...(random.chance(0.7) ? { behind: drawSaves(random, swarm, 1 + random.below(4)) } : {}),
  };
}

/** What else is under way when a log is closed. */
export function drawUnderWay(random: Random): { under?: UnderWay[]; gapMs?: number } {
  if (random.chance(0.3)) return {};
  const under = Array.from({ length: 1 + random.below(3) }, () => random.pick(UNDER_WAY));
  return { under: [...new Set(under)], gapMs: random.pick([0, 0, 0.05, 0.2, 1]) };
}

/** Many terms, as who was away gets them, and then votes until no reserve has room: the seal finds its own room still (D7). */
function drawFilling(random: Random): SaveOp[] {
  const climb = (): SaveOp => ({ kind: 'append', count: 9, bytes: random.below(20), raise: 1, climbs: 1 });
  const vote = (): SaveOp => ({ kind: 'vote', raise: 1, candidate: random.pick(['a', 'b', null]) });
  return [...Array.from({ length: 16 }, climb), ...Array.from({ length: 14 }, vote)];
}

function drawSqueeze(random: Random): OpBody {
  const freeBytes = random.pick([0, 0, 4096, 8192, 32_768]);
  const squeeze = { kind: 'squeeze', freeBytes } as const;
  if (random.chance(0.25)) return { ...squeeze, saves: drawFilling(random) };
  return random.chance(0.3) ? { ...squeeze, saves: drawShrinking(random) } : squeeze;
}

/** Less and less, until nothing with an entry fits any more, and then what the reserve is kept for (D7). */
function drawShrinking(random: Random): SaveOp[] {
  const sizes = [1500, 700, 300, 100, random.below(40)];
  const appends = sizes.flatMap((bytes) =>
    Array.from({ length: 12 }, () => ({ kind: 'append', count: 1, bytes, raise: 0 }) as const),
  );
  return [...appends, { kind: 'vote', raise: 1, candidate: 'a' }];
}

function drawCompact(random: Random, swarm: Swarm): OpBody {
  const op = { kind: 'compact', share: random.pick([1, 1, share(random)]) } as const;
  if (!random.chance(0.4)) return op;
  const saves = drawSaves(random, swarm, 1 + random.below(8));
  return random.chance(0.3) ? { ...op, saves, isQueued: true } : { ...op, saves };
}

/**
 * Many streams see what they have read cut, and the log grow beyond their end again: a length tells them nothing. Others see
 * it end in front of theirs, before they have read so far.
 */
function drawReplaced(random: Random, swarm: Swarm): { share?: number; after?: number; beside?: SaveOp[] } {
  if (random.chance(0.4)) return {};
  if (random.chance(0.3)) return { share: 0, beside: [{ kind: 'truncate', depth: 1 + random.below(12) }] };
  const bytes = drawBytes(random, swarm);
  const cut = { kind: 'conflict', depth: 1 + random.below(12), count: 1 + random.below(8), bytes } as const;
  const grown = { kind: 'append', count: 9, bytes, raise: 0 } as const;
  return { after: share(random), beside: [cut, grown] };
}

function drawMoved(random: Random, swarm: Swarm): OpBody {
  return {
    kind: 'moved',
    part: random.pick(MOVED_PARTS),
    put: random.pick(PUT_IN_PLACE),
    saves: drawSaves(random, swarm, 1 + random.below(8)),
    snapshots: random.chance(0.4),
  };
}

export function drawCopy(random: Random, swarm: Swarm): OpBody {
  const of = random.pick<CopyWay>([...COPY_WAYS, 'store', 'store']);
  const saves = of === 'all' ? drawUncovered(random, swarm) : drawSaves(random, swarm, random.below(6));
  const op = { kind: 'copy', of, saves, compacts: of === 'all' || random.chance(0.5) } as const;
  const apart = random.chance(0.5) ? { apart: true } : {};
  const cut = random.chance(0.7) ? { cut: true } : {};
  return { ...op, ...apart, ...cut, identity: random.pick(COPY_IDENTITIES) };
}

/** What is saved behind the snapshot that covers all leaves no such checkpoint to be made, and be it one entry. */
function drawUncovered(random: Random, swarm: Swarm): SaveOp[] {
  if (random.chance(0.7)) return [];
  return [{ kind: 'append', count: 1 + random.below(2), bytes: drawBytes(random, swarm), raise: 0 }];
}

export function drawRollback(random: Random): OpBody {
  const stale = random.chance(0.3);
  return {
    kind: 'rollback',
    // A power cut takes the end marks along, which no sync makes durable.
    crash: stale ? 'kill' : random.pick(['kill', 'power'] as const),
    back: 1 + random.below(random.pick([2, 8, 30])),
    share: random.pick([0.2, 0.6, 0.9, 1]),
    removes: random.chance(0.3),
    stale,
    ...(random.chance(0.3) ? { closes: true } : {}),
  };
}

function weightOf(kind: OtherKind | 'save', swarm: Swarm): number {
  if (kind === 'takeover' && !swarm.on.has('lock-lost')) return 0;
  if (kind === 'moved' && !swarm.on.has('moved-away')) return 0;
  if ((kind === 'squeeze' || kind === 'release') && !swarm.on.has('full-disk')) return 0;
  return kind !== 'save' && SNAPSHOT_KINDS.has(kind) ? swarm.snapshotWeight : 1;
}

function drawSaves(random: Random, swarm: Swarm, count: number): SaveOp[] {
  return Array.from({ length: count }, () => drawSave(random, swarm));
}

function drawSave(random: Random, swarm: Swarm): SaveOp {
  const kind = pickWeighted(random, SAVE_WEIGHTS, () => 1);
  const bytes = drawBytes(random, swarm);
  switch (kind) {
    case 'append':
      return drawAppend(random, swarm);
    case 'conflict':
    case 'resend':
      return { kind, depth: 1 + random.below(8), count: random.below(5), bytes };
    case 'truncate':
      return { kind, depth: random.below(6) };
    case 'vote':
      return { kind, raise: random.below(3), candidate: random.pick(['a', 'b', '\uFEFFa', null]) };
    case 'commit':
      return { kind, share: share(random) };
    case 'empty':
      return { kind };
    case 'values':
      return { kind, values: drawValues(random) };
    case 'mixed':
      return {
        kind,
        depth: random.chance(0.4) ? random.below(5) : null,
        count: random.below(4),
        bytes,
        raise: random.pick([0, 0, 0, 1]),
        candidate: random.pick(['a', 'b', 'c', null]),
        share: random.chance(0.5) ? share(random) : null,
        ...(random.chance(0.4) ? { values: drawValues(random) } : {}),
      };
    case 'wrong':
      return { kind, which: random.pick(WRONG_SAVES) };
  }
}

/** Now and then more than the usual block of a preamble holds, or all of them together may. */
function drawValues(random: Random): ValueChange[] {
  return Array.from({ length: 1 + random.below(3) }, () => ({
    key: random.below(6),
    bytes: random.pick([null, 0, 1, 40, 300, random.chance(0.3) ? 900 : 10]),
  }));
}

function drawAppend(random: Random, swarm: Swarm): SaveOp {
  const count = random.pick([1, 1, 1, 2, 4, 9]);
  const bytes = random.chance(0.02) ? 4000 + random.below(6000) : drawBytes(random, swarm);
  const op = { kind: 'append', count, bytes, raise: random.chance(0.15) ? 1 : 0 } as const;
  // Further apart than one byte of a record says, and than four do.
  return count > 1 && random.chance(0.2) ? { ...op, climbs: random.pick([1, 1, 300, 2 ** 34]) } : op;
}

function drawBytes(random: Random, swarm: Swarm): number {
  return random.chance(0.1) ? 0 : 1 + random.below(2 * swarm.entryBytes);
}

function drawData(random: Random): { bytes: number; chunks: number } {
  return {
    // Now and then more than one chunk of a snapshot's file; each open reads all of it again.
    bytes: random.chance(0.05) ? 300_000 : random.pick([0, 10, 300, 3000, 20_000]),
    chunks: 1 + random.below(4),
  };
}

/** A fraction that reads well in a plan. */
function share(random: Random): number {
  return random.below(1000) / 1000;
}

function pickWeighted<Name>(
  random: Random,
  table: readonly (readonly [Name, number])[],
  factor: (name: Name) => number,
): Name {
  let sum = 0;
  for (const [name, weight] of table) sum += weight * factor(name);
  let left = random.fraction() * sum;
  for (const [name, weight] of table) {
    left -= weight * factor(name);
    if (left < 0) return name;
  }
  throw new RangeError('a table of weights with nothing in it');
}
