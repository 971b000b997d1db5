import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import type { BenchCase, CaseContext } from './case.js';
import { FedLog, payload } from './fed-log.js';
import { RawFile } from './raw-file.js';
import { duel, type Contender } from './rounds.js';
import { ratioAtLeast, ratioAtMost, type Row } from './row.js';

const RAW_BYTES = 64 * 1024 * 1024;
const SAVERS = 64;
const ENTRY_BYTES = 256;

interface Saves {
  readonly work: string;
  /** Entries of one save. */
  readonly batch: number;
  readonly entryBytes: number;
  readonly budgets: { readonly ratio: number; readonly frameBytes: number };
}

/** Saves one after the other, beside the raw loop with the same bytes a write. */
async function againstRaw(context: CaseContext, { work, batch, entryBytes, budgets }: Saves): Promise<Row[]> {
  const { scratch } = context;
  const dir = scratch.fresh();
  const fed = await FedLog.open(dir, entryBytes);
  const frameBytes = await frameBytesOf(fed, batch);
  const rawPath = scratch.fresh();
  const raw = new RawFile(rawPath, RAW_BYTES);
  const block = payload(frameBytes);
  const { keelson, reference, ratio } = await duel(
    { ...planOf(context, work), prepare: () => fed.forget() },
    (untilMs) => fed.saveUntil(untilMs, batch),
    async (untilMs) => raw.writeUntil(untilMs, block) * batch,
  );
  raw.close();
  await fed.log.close();
  for (const path of [dir, rawPath]) scratch.drop(path);
  const payloadBytes = batch * entryBytes;
  return [
    {
      work,
      unit: 'entries/s',
      keelson,
      reference: { name: 'raw pwrite + fdatasync', value: reference },
      ratio,
      budget: ratioAtLeast(budgets.ratio),
    },
    {
      work: `${work}: frame bytes`,
      unit: 'bytes',
      keelson: frameBytes,
      reference: { name: 'payload', value: payloadBytes },
      ratio: frameBytes / payloadBytes,
      budget: ratioAtMost(budgets.frameBytes),
    },
  ];
}

/** What one save of `batch` entries writes. */
async function frameBytesOf(fed: FedLog, batch: number): Promise<number> {
  await fed.save(batch);
  const before = fed.log.stats().frameBytes;
  await fed.save(batch);
  return fed.log.stats().frameBytes - before;
}

function planOf(
  context: CaseContext,
  work: string,
): { rounds: number; seconds: number; onRound: (round: number) => void } {
  const { rounds, seconds } = context.options;
  return {
    rounds,
    seconds,
    onRound: (round) => {
      context.progress(`${work}: round ${round} of ${rounds}`);
    },
  };
}

/** Many savers in one process, beside one of them alone, on two logs of the same disk. */
async function manySavers(context: CaseContext): Promise<Row[]> {
  const { scratch } = context;
  const work = `${SAVERS} savers of 1 x 256 B`;
  const dirs = [scratch.fresh(), scratch.fresh()] as const;
  const many = await FedLog.open(dirs[0], ENTRY_BYTES);
  const one = await FedLog.open(dirs[1], ENTRY_BYTES);
  const together: Contender = (untilMs) => many.saveTogether(untilMs, SAVERS);
  const prepare = async (): Promise<void> => {
    await many.forget();
    await one.forget();
  };
  const { keelson, reference, ratio } = await duel(
    { ...planOf(context, work), prepare },
    together,
    (untilMs) => one.saveUntil(untilMs, 1),
  );
  await many.log.close();
  await one.log.close();
  for (const dir of dirs) scratch.drop(dir);
  const value = { name: 'one saver', value: reference };
  return [{ work, unit: 'entries/s', keelson, reference: value, ratio, budget: ratioAtLeast(15) }];
}

/**
 * How late the event loop is, at most of a hundred times, while 64 savers never stop and all else goes on besides: a
 * snapshot and a compaction every quarter of a second, a verification, zeros for the segments to come.
 */
async function loopDelay(context: CaseContext): Promise<Row[]> {
  const { scratch, options } = context;
  const dir = scratch.fresh();
  const fed = await FedLog.open(dir, ENTRY_BYTES, LOOP_SEGMENT_BYTES);
  const untilMs = performance.now() + options.seconds * 1000;
  const delay = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  const repeated = async (work: () => Promise<unknown>): Promise<void> => {
    while (performance.now() < untilMs) await work();
  };
  delay.enable();
  await Promise.all([
    fed.saveTogether(untilMs, SAVERS),
    repeated(() => fed.forget().then(() => setTimeout(FORGET_EVERY_MS))),
    repeated(() => fed.log.verify()),
  ]);
  delay.disable();
  await fed.log.close();
  scratch.drop(dir);
  const keelson = delay.percentile(99) / 1e6 - LOOP_RESOLUTION_MS;
  const goal = 10;
  return [
    {
      work: 'event loop late under full load, p99',
      unit: 'ms',
      keelson,
      reference: { name: 'goal', value: goal },
      ratio: keelson / goal,
      budget: { of: 'figure', sense: 'at most', value: goal },
    },
  ];
}

const LOOP_SEGMENT_BYTES = 16 * 1024 * 1024;
const LOOP_RESOLUTION_MS = 1;
const FORGET_EVERY_MS = 250;

const ONE = {
  work: 'one saver, 1 x 256 B',
  batch: 1,
  entryBytes: ENTRY_BYTES,
  budgets: { ratio: 0.92, frameBytes: 1.35 },
};
const BATCH = {
  work: 'one saver, 64 x 256 B',
  batch: 64,
  entryBytes: ENTRY_BYTES,
  budgets: { ratio: 0.82, frameBytes: 1.2 },
};
const large = (name: string, entryBytes: number): Saves => ({
  work: `one saver, 1 x ${name}`,
  batch: 1,
  entryBytes,
  budgets: { ratio: 0.85, frameBytes: 1.01 },
});

export const writeCases: readonly BenchCase[] = [
  { name: 'one', run: (context) => againstRaw(context, ONE) },
  { name: 'batch', run: (context) => againstRaw(context, BATCH) },
  { name: 'savers', run: manySavers },
  { name: 'large', run: (context) => againstRaw(context, large('64 KiB', 64 * 1024)) },
  { name: 'huge', run: (context) => againstRaw(context, large('1 MiB', 1024 * 1024)) },
  { name: 'loop', run: loopDelay },
];
