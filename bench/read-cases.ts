import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Bench } from 'tinybench';
import type { BenchCase, CaseContext } from './case.js';
import { FedLog } from './fed-log.js';
import { duel } from './rounds.js';
import { ratioAtLeast, type Row } from './row.js';

const ENTRY_BYTES = 256;
const BATCH = 64;
const SEGMENT_BYTES = 64 * 1024 * 1024;
/** Enough for several segments, little enough to stay in the page cache: the disk is not what is compared. */
const STREAMED_ENTRIES = 500_000;

async function filledLog(context: CaseContext, entryCount: number): Promise<{ fed: FedLog; dir: string }> {
  const dir = context.scratch.fresh();
  const fed = await FedLog.open(dir, ENTRY_BYTES, SEGMENT_BYTES);
  while (fed.log.lastIndex < entryCount) {
    await fed.save(BATCH);
    if (fed.log.lastIndex % 6400 === 0) context.progress(`filling a log: ${fed.log.lastIndex} entries`);
  }
  return { fed, dir };
}

/** Streaming all entries, beside reading the bytes of the files in which they stand. */
async function streamAll(context: CaseContext): Promise<Row[]> {
  const { options, scratch } = context;
  const { fed, dir } = await filledLog(context, STREAMED_ENTRIES);
  const { log } = fed;
  const frameBytes = log.stats().frameBytes;
  const work = 'stream 256 B entries';
  const mebibytes = frameBytes / (1024 * 1024);
  const { keelson, reference, ratio } = await duel(
    {
      // Few rounds: each reads everything at least once, however long that takes.
      rounds: Math.min(options.rounds, 7),
      seconds: options.seconds,
      onRound: (round) => {
        context.progress(`${work}: round ${round}`);
      },
    },
    async (untilMs) => {
      let passes = 0;
      do {
        let entries = 0;
        for await (const entry of log.stream(1, log.lastIndex + 1)) entries += entry.data.length > 0 ? 1 : 0;
        if (entries !== log.lastIndex) throw new Error(`streamed ${entries} of ${log.lastIndex} entries`);
        passes += 1;
      } while (performance.now() < untilMs);
      return passes * mebibytes;
    },
    async (untilMs) => {
      let passes = 0;
      do {
        readFiles(join(dir, 'wal'), frameBytes);
        passes += 1;
      } while (performance.now() < untilMs);
      return passes * mebibytes;
    },
  );
  await log.close();
  scratch.drop(dir);
  const value = { name: 'reading the files', value: reference };
  return [{ work, unit: 'MiB/s', keelson, reference: value, ratio, budget: ratioAtLeast(0.6) }];
}

/** Reads as many bytes as the frames have, in pieces of 1 MiB. */
function readFiles(dir: string, bytes: number): void {
  const into = new Uint8Array(1024 * 1024);
  let left = bytes;
  for (const name of readdirSync(dir).sort()) {
    const path = join(dir, name);
    const size = Math.min(statSync(path).size, left);
    const fd = openSync(path, 'r');
    for (let from = 0; from < size; from += into.length) readSync(fd, into, 0, into.length, from);
    closeSync(fd);
    left -= size;
  }
}

/** Ranges near the end of the log, as a leader reads them for its followers. */
async function readRecent(context: CaseContext): Promise<Row[]> {
  const { fed, dir } = await filledLog(context, 64_000);
  const { log } = fed;
  const bench = new Bench({ time: context.options.seconds * 1000, warmupTime: 300 });
  let step = 0;
  bench.add('recent', async () => {
    // 61 shares no factor with 64: in time every offset within a batch is read.
    step = (step + 61) % 4000;
    const from = log.lastIndex + 1 - BATCH - step;
    await log.entries(from, from + BATCH);
  });
  context.progress('reading recent entries');
  const [task] = await bench.run();
  await log.close();
  context.scratch.drop(dir);
  if (task?.result.state !== 'completed') throw new Error(`reading failed: ${JSON.stringify(task?.result)}`);
  const keelson = task.result.throughput.mean * BATCH;
  const goal = 1_000_000;
  return [
    {
      work: `recent entries in ranges of ${BATCH}`,
      unit: 'entries/s',
      keelson,
      reference: { name: 'goal', value: goal },
      ratio: keelson / goal,
      budget: { of: 'figure', sense: 'at least', value: goal },
    },
  ];
}

export const readCases: readonly BenchCase[] = [
  { name: 'stream', run: streamAll },
  { name: 'recent', run: readRecent },
];
