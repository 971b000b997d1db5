/**
 * A process of its own that measures one built tree for `npm run bench:guard`: the same program for both trees, each with
 * the log of its own. Reads lines `WORK MS`, works so long, answers with how much it did in a second.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import type * as keelson from '../src/index.js';
import type { Entry, RaftLog } from '../src/index.js';

const [dist = ''] = process.argv.slice(2);
/** Of the tree that is measured, and not of this one: the types alone are this one's. */
const built: unknown = await import(pathToFileURL(join(dist, 'src/index.js')).href);
const { openRaftLog } = built as Pick<typeof keelson, 'openRaftLog'>;

const data = Uint8Array.from({ length: 256 }, (_, at) => (at * 167 + (at >> 3) * 29 + 1) & 0xff);
const large = Uint8Array.from({ length: 65_536 }, (_, at) => (at * 167 + (at >> 3) * 29 + 1) & 0xff);
const READ_ENTRIES = 50_000;

const base = mkdtempSync(join(tmpdir(), 'keelson-guard-'));
const written = await openLog('written');
const read = await openLog('read');
while (read.lastIndex < READ_ENTRIES) await save(read, 1000);

async function openLog(name: string): Promise<RaftLog> {
  const log = await openRaftLog({ dir: join(base, name) });
  await log.setHardState({ term: 1 });
  return log;
}

async function save(log: RaftLog, count: number, bytes: Uint8Array = data): Promise<number> {
  const from = log.accepted.lastIndex + 1;
  const entries: Entry[] = Array.from({ length: count }, (_, at) => ({
    index: from + at,
    term: 1,
    data: bytes,
  }));
  await log.save({ entries });
  return count;
}

/** One step of each work; returns how much was done. */
const WORKS: Readonly<Record<string, () => Promise<number>>> = {
  'one by one': () => save(written, 1),
  'batches of 64': () => save(written, 64),
  '64 savers': async () => {
    await Promise.all(Array.from({ length: 64 }, () => save(written, 1)));
    return 64;
  },
  '64 KiB entries': () => save(written, 1, large),
  stream: async () => {
    let count = 0;
    for await (const { data: bytes } of read.stream(1, READ_ENTRIES + 1)) count += bytes.length > 0 ? 1 : 0;
    return count;
  },
  'recent ranges of 64': async () => {
    const from = READ_ENTRIES - 63 - ((step += 61) % 4000);
    return (await read.entries(from, from + 64)).length;
  },
  open: async () => {
    const log = await openRaftLog({ dir: join(base, 'opened') });
    await log.close();
    return 1;
  },
};
let step = 0;

for await (const line of createInterface({ input: process.stdin })) {
  const at = line.lastIndexOf(' ');
  const work = WORKS[line.slice(0, at)];
  if (work === undefined) throw new Error(`there is no work '${line}'`);
  const startMs = performance.now();
  const untilMs = startMs + Number(line.slice(at + 1));
  let done = 0;
  do done += await work();
  while (performance.now() < untilMs);
  console.log((done * 1000) / (performance.now() - startMs));
}
await written.close();
await read.close();
rmSync(base, { recursive: true, force: true });
