import type { BenchCase, CaseContext } from './case.js';
import { FedLog, payload } from './fed-log.js';
import { RawFile } from './raw-file.js';
import { duel, type Contender } from './rounds.js';
import { ratioAtLeast, ratioAtMost, type Row } from './row.js';

const ENTRY_BYTES = 256;
const RAW_BYTES = 64 * 1024 * 1024;
const SAVERS = 64;

/** Saves of `batch` entries, one after the other, beside the raw loop with the same bytes a write. */
async function againstRaw(
  context: CaseContext,
  work: string,
  batch: number,
  budgets: { readonly ratio: number; readonly frameBytes: number },
): Promise<Row[]> {
  const { scratch } = context;
  const dir = scratch.fresh();
  const fed = await FedLog.open(dir, ENTRY_BYTES);
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
  const payloadBytes = batch * ENTRY_BYTES;
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
  const together: Contender = async (untilMs) => {
    const savers = Array.from({ length: SAVERS }, () => many.saveUntil(untilMs, 1));
    return (await Promise.all(savers)).reduce((sum, saved) => sum + saved, 0);
  };
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

export const writeCases: readonly BenchCase[] = [
  {
    name: 'one',
    run: (context) => againstRaw(context, 'one saver, 1 x 256 B', 1, { ratio: 0.92, frameBytes: 1.35 }),
  },
  {
    name: 'batch',
    run: (context) => againstRaw(context, 'one saver, 64 x 256 B', 64, { ratio: 0.82, frameBytes: 1.2 }),
  },
  { name: 'savers', run: manySavers },
];
