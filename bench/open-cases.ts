import { openRaftLog } from '../src/index.js';
import type { BenchCase, CaseContext } from './case.js';
import { FedLog } from './fed-log.js';
import { measureChild } from './measure-child.js';
import type { Measured } from './measure-open-log.bench.js';
import { median } from './rounds.js';
import { ratioAtMost, type Row } from './row.js';

const MIB = 1024 * 1024;
const SEGMENT_BYTES = 16 * MIB;
const ENTRY_BYTES = 4096;
/** A save of about 1 MiB fills a log quickly; those of the tail are of the usual size. */
const FILL_BATCH = 255;
const TAIL_SAVES = 256;
const TAIL_BATCH = 16;
/** Opens of one log in a row would be too few, or take too long, whatever the seconds say. */
const OPENS_MIN = 5;

/** Rotates `segments - 1` times and then fills the tail, always by the same saves. */
async function fill(context: CaseContext, dir: string, segments: number): Promise<void> {
  const fed = await FedLog.open(dir, ENTRY_BYTES, SEGMENT_BYTES);
  while (fed.log.stats().rotations < segments - 1) {
    await fed.save(FILL_BATCH);
    const { rotations } = fed.log.stats();
    context.progress(`filling a log of ${(segments * SEGMENT_BYTES) / MIB} MiB: segment ${rotations + 1}`);
  }
  for (let saves = 0; saves < TAIL_SAVES; saves++) await fed.save(TAIL_BATCH);
  await fed.log.close();
}

async function timeOpen(dir: string): Promise<number> {
  const startMs = performance.now();
  const log = await openRaftLog({ dir, create: 'never', segmentBytes: SEGMENT_BYTES });
  const ms = performance.now() - startMs;
  await log.close();
  return ms;
}

async function openTime(context: CaseContext): Promise<Row[]> {
  const { scratch, options } = context;
  const largeMib = options.full ? 4096 : 1024;
  const smallMib = 64;
  const [small, large] = [scratch.fresh(), scratch.fresh()];
  await fill(context, small, (smallMib * MIB) / SEGMENT_BYTES);
  await fill(context, large, (largeMib * MIB) / SEGMENT_BYTES);
  const times: { small: number; large: number }[] = [];
  const untilMs = performance.now() + options.seconds * 1000;
  while (times.length < OPENS_MIN || (times.length < options.rounds && performance.now() < untilMs)) {
    times.push({ large: await timeOpen(large), small: await timeOpen(small) });
    context.progress(`open: round ${times.length} of ${options.rounds}`);
  }
  for (const dir of [small, large]) scratch.drop(dir);
  return [
    {
      work: `open a log of ${largeMib} MiB, equal tail`,
      unit: 'ms',
      keelson: median(times.map((each) => each.large)),
      reference: { name: `log of ${smallMib} MiB`, value: median(times.map((each) => each.small)) },
      ratio: median(times.map((each) => each.large / each.small)),
      budget: ratioAtMost(1.5),
    },
  ];
}

/** Children that are measured for each log: memory hardly varies. */
const CHILDREN = 3;
const SMALL_ENTRY_BYTES = 64;
const SMALL_ENTRY_BATCH = 4096;

async function openMemory(context: CaseContext): Promise<Row[]> {
  const { scratch, options } = context;
  const entryCount = options.full ? 10_000_000 : 1_000_000;
  const [empty, filled] = [scratch.fresh(), scratch.fresh()];
  await (await FedLog.open(empty, SMALL_ENTRY_BYTES)).log.close();
  const fed = await FedLog.open(filled, SMALL_ENTRY_BYTES);
  while (fed.log.lastIndex < entryCount) {
    await fed.save(Math.min(SMALL_ENTRY_BATCH, entryCount - fed.log.lastIndex));
    context.progress(`filling a log of ${entryCount} entries: ${fed.log.lastIndex}`);
  }
  await fed.log.close();
  const measured: { empty: Measured; filled: Measured }[] = [];
  for (let child = 0; child < CHILDREN; child++) {
    measured.push({ filled: await measureChild(filled), empty: await measureChild(empty) });
    context.progress(`memory: child ${child + 1} of ${CHILDREN}`);
  }
  for (const dir of [empty, filled]) scratch.drop(dir);
  const row = (kind: 'heapBytes' | 'rssBytes', what: string): Row => {
    const above = median(measured.map((each) => each.filled[kind] - each.empty[kind])) / MIB;
    const value = median(measured.map((each) => each.empty[kind])) / MIB;
    return {
      work: `${entryCount / 1e6} M entries open: ${what}`,
      unit: 'MiB more',
      keelson: above,
      reference: { name: 'empty log', value },
      ratio: (above + value) / value,
      budget: { of: 'figure', sense: 'at most', value: 48 },
    };
  };
  return [row('heapBytes', 'heap and buffers'), row('rssBytes', 'resident')];
}

export const openCases: readonly BenchCase[] = [
  { name: 'open', run: openTime },
  { name: 'memory', run: openMemory },
];
