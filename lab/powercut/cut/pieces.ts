import type { DiskRecord, FlushRecord, WriteRecord } from '../disk/journal.js';
import { Random } from '../random.js';
import type { CutPlan } from './cut-plan.js';

/** A part of a write that reached the medium: half-open, within the write. */
export interface Piece {
  readonly write: WriteRecord;
  readonly from: number;
  readonly until: number;
}

const SECTOR_BYTES = 512;

/**
 * Which of the first `at` records are writes that the medium need not hold: no flush of their disk is behind them. The
 * recorder does one request after the other, so that a flush covers every write before it, of its own disk.
 */
export function openWrites(records: readonly DiskRecord[], at: number): WriteRecord[] {
  const flushes: FlushRecord[] = [];
  const open: WriteRecord[] = [];
  for (let index = at - 1; index >= 0; index -= 1) {
    const record = records[index]!;
    if (record.kind === 'write') {
      const { position } = record;
      if (!flushes.some(({ from, until }) => position >= from && position < until)) open.push(record);
    } else if (!flushes.some(({ from }) => from === record.from)) flushes.push(record);
  }
  return open.reverse();
}

/** How many records there are in front of the first that the medium need not hold. */
export function durableRecords(records: readonly DiskRecord[], at: number): number {
  const [first] = openWrites(records, at);
  return first === undefined ? at : records.indexOf(first);
}

/** What of the writes that no flush covers the plan lets reach the medium, in the order to lay it down. */
export function survivingPieces(records: readonly DiskRecord[], plan: CutPlan): Piece[] {
  const open = openWrites(records, plan.at);
  const random = new Random(plan.seed);
  switch (plan.mode) {
    case 'none':
      return [];
    case 'all':
      return open.map(whole);
    case 'some': {
      const chance = random.one([0.1, 0.5, 0.5, 0.9]);
      return open.filter(() => random.chance(chance)).map(whole);
    }
    case 'later':
      return open.slice(random.between(0, open.length)).map(whole);
    case 'torn-4096':
      return torn(open, 4096, random);
    case 'torn-512':
      return torn(open, SECTOR_BYTES, random);
    case 'part-of-sector':
      return brokenSector(open, random);
  }
}

function whole(write: WriteRecord): Piece {
  return { write, from: 0, until: write.length };
}

/** Some writes whole, some not at all, and of the others some units. */
function torn(open: readonly WriteRecord[], unit: number, random: Random): Piece[] {
  const pieces: Piece[] = [];
  for (const write of open) {
    const fate = random.one(['none', 'whole', 'torn', 'torn']);
    if (fate === 'whole') pieces.push(whole(write));
    if (fate !== 'torn') continue;
    for (let from = 0; from < write.length; from += unit)
      if (random.chance(0.5)) pieces.push({ write, from, until: Math.min(from + unit, write.length) });
  }
  return pieces;
}

/** All before one write, and of that one all before a place within a sector. */
function brokenSector(open: readonly WriteRecord[], random: Random): Piece[] {
  if (open.length === 0) return [];
  const last = random.between(0, open.length - 1);
  const write = open[last]!;
  const sectors = Math.ceil(write.length / SECTOR_BYTES);
  const until = random.between(0, sectors - 1) * SECTOR_BYTES + random.between(1, SECTOR_BYTES - 1);
  return [...open.slice(0, last).map(whole), { write, from: 0, until }];
}
