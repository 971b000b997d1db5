// Writes the golden directories of the present format, each with what it holds as JSON beside it. Run once for each
// version of the format, after `npm run build`, and never again for one that is there: they stand for stores that
// releases have left on people's disks.
import { Buffer } from 'node:buffer';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openRaftLog } from '../../dist/src/index.js';

const here = dirname(fileURLToPath(import.meta.url));
const version = process.argv[2];
const target = join(here, `v${version}`);
if (!/^\d+$/.test(version ?? '') || existsSync(target)) {
  throw new Error('usage: write-golden.mjs <version of the format>, of which there is no directory yet');
}

const SEGMENT_BYTES = 4096;
const bytes = (length, salt) => Uint8Array.from({ length }, (_, at) => (at * 7 + salt * 31) & 255);
const hex = (data) => Buffer.from(data).toString('hex');
const entry = (index, term, length) => ({ index, term, kind: index % 3, data: bytes(length, index) });

const STORES = {
  fresh: async () => undefined,
  'several-segments': async (log) => {
    await log.save({ entries: [1, 2, 3].map((index) => entry(index, 1, 500)), hardState: { term: 1, vote: 'n1' } });
    await log.save({ entries: [4, 5, 6].map((index) => entry(index, 2, 700)), hardState: { term: 2, commit: 5 } });
    await log.save({ entries: [entry(6, 3, 0), entry(7, 3, 1200)], hardState: { term: 3, vote: 'märz' } });
    await log.createSnapshot({ index: 4, conf: bytes(5, 9), data: bytes(700, 4) });
    await log.createSnapshot({ index: 6, conf: bytes(9, 9), data: bytes(1500, 6) });
    for (let index = 8; index <= 13; index += 1) await log.append([entry(index, 3, 1000)]);
    await log.truncateFrom(13);
    await log.compact(5);
  },
  // More of them than the usual block of a preamble holds, through two rotations.
  'small-values': async (log) => {
    const stable = { 'märz': bytes(900, 1), empty: bytes(0, 0), gone: bytes(9, 2), 'log id': bytes(16, 3) };
    await log.save({ entries: [entry(1, 1, 700)], hardState: { term: 1, vote: 'n1' }, stable });
    for (let index = 2; index <= 8; index += 1) await log.append([entry(index, 1, 900)]);
    await log.save({ stable: { gone: null, late: bytes(5, 4) } });
  },
  'unclean-end': async (log) => {
    await log.save({ entries: [1, 2].map((index) => entry(index, 4, 60)), hardState: { term: 4, vote: 'n3', commit: 1 } });
    await log.installSnapshot({ index: 20, term: 5, conf: bytes(3, 1), data: bytes(64, 2), hardState: { term: 6 } });
    await log.append([21, 22, 23].map((index) => entry(index, 6, 90)));
  },
};

async function contentOf(log) {
  const opened = await log.openSnapshot();
  const chunks = [];
  if (opened !== null) for await (const chunk of opened.data) chunks.push(chunk);
  const { firstIndex, lastIndex, lastTerm, hardState } = log;
  const entries = await log.entries(firstIndex, lastIndex + 1);
  return {
    firstIndex,
    lastIndex,
    lastTerm,
    hardState,
    stable: Object.fromEntries([...log.stable].map(([key, value]) => [key, hex(value)])),
    snapshot:
      opened === null
        ? null
        : { index: opened.meta.index, term: opened.meta.term, conf: hex(opened.meta.conf), data: hex(Buffer.concat(chunks)) },
    entries: entries.map(({ index, term, kind, data }) => ({ index, term, kind, data: hex(data) })),
  };
}

mkdirSync(target);
for (const [name, live] of Object.entries(STORES)) {
  const root = mkdtempSync(join(tmpdir(), 'golden-'));
  const dir = join(root, name);
  const log = await openRaftLog({ dir, segmentBytes: SEGMENT_BYTES });
  await live(log);
  const content = await contentOf(log);
  // Its end mark has landed by then.
  await sleep(300);
  if (name !== 'unclean-end') await log.close();
  cpSync(dir, join(target, name), { recursive: true });
  await log.close();
  // What means nothing to the next open is no part of a golden directory.
  const wal = join(target, name, 'wal');
  for (const file of readdirSync(wal)) if (file.endsWith('.spare')) rmSync(join(wal, file));
  writeFileSync(join(target, `${name}.json`), `${JSON.stringify(content, null, 2)}\n`);
  rmSync(root, { recursive: true });
}
