import { cloneRaftLog } from '../src/index.js';
import type { BenchCase, CaseContext } from './case.js';
import { FedLog } from './fed-log.js';
import { median } from './rounds.js';
import { ratioAtMost, type Row } from './row.js';

const ENTRY_BYTES = 256;
/** Two sealed segments and a part of a third: a copy takes a moment, and the disk has something to do. */
const COPIED_ENTRIES = 600_000;
const FILL_BATCH = 1024;

/** How long each save took, one after the other, for as long as `goesOn` says. */
async function latencies(fed: FedLog, goesOn: () => boolean): Promise<number[]> {
  const found: number[] = [];
  do {
    const startMs = performance.now();
    await fed.save(1);
    found.push(performance.now() - startMs);
  } while (goesOn());
  return found;
}

/** What 99 of a hundred stay below. */
function p99(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))] ?? NaN;
}

/** What a copy costs its source: saves one by one while a checkpoint or a clone is made, against without. */
async function copyCost(context: CaseContext): Promise<Row[]> {
  const { scratch, options } = context;
  const dir = scratch.fresh();
  const fed = await FedLog.open(dir, ENTRY_BYTES);
  while (fed.log.lastIndex < COPIED_ENTRIES) {
    await fed.save(FILL_BATCH);
    context.progress(`filling a log: ${String(fed.log.lastIndex)} entries`);
  }
  const kinds = {
    checkpoint: (to: string) => fed.log.checkpoint({ scope: 'durable', to }),
    clone: (to: string) => cloneRaftLog(dir, { to, identity: 'new-member' }),
  };
  const rows: Row[] = [];
  for (const [kind, copy] of Object.entries(kinds)) {
    const rounds: { with: number; without: number }[] = [];
    const untilMs = performance.now() + (options.seconds * 1000) / 2;
    do {
      const to = scratch.fresh();
      let isDone = false;
      const copying = copy(to).finally(() => {
        isDone = true;
      });
      const startMs = performance.now();
      const during = await latencies(fed, () => !isDone);
      await copying;
      scratch.drop(to);
      // As long again, on a disk that has come to rest.
      await new Promise((resolve) => setTimeout(resolve, 100));
      const endMs = performance.now() + Math.min(performance.now() - startMs, 2000);
      const without = await latencies(fed, () => performance.now() < endMs);
      rounds.push({ with: p99(during), without: p99(without) });
      context.progress(`${kind}: round ${String(rounds.length)}`);
    } while (rounds.length < 3 || (rounds.length < options.rounds && performance.now() < untilMs));
    rows.push({
      work: `p99 of saves while a ${kind} is made`,
      unit: 'ms',
      keelson: median(rounds.map((round) => round.with)),
      reference: { name: 'without', value: median(rounds.map((round) => round.without)) },
      ratio: median(rounds.map((round) => round.with / round.without)),
      budget: ratioAtMost(2),
    });
  }
  await fed.log.close();
  scratch.drop(dir);
  return rows;
}

export const copyCases: readonly BenchCase[] = [{ name: 'copies', run: copyCost }];
