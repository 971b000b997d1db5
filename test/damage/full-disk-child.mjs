// Fills the small file system that it was started on, and says, as one line of JSON, what the log did at each stage.
import { Buffer } from 'node:buffer';
import { existsSync, rmSync, statfsSync, writeSync, openSync, closeSync, ftruncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const [entry, home] = process.argv.slice(2);
const { openRaftLog } = await import(entry);
const MIB = 1024 * 1024;
const dir = join(home, 'log');
const ballast = openSync(join(home, 'ballast'), 'w');
let ballastBytes = 0;
const told = [];
let log;
let term = 0;

const freeBytes = () => {
  const { bavail, bsize } = statfsSync(home);
  return bavail * bsize;
};

/** Takes all room that is left, but for so many bytes. */
function fillUp(leave = 0) {
  ftruncateSync(ballast, (ballastBytes = Math.max(0, ballastBytes - leave)));
  if (leave > 0) return;
  for (const size of [MIB, 4096]) {
    try {
      for (;;) ballastBytes += writeSync(ballast, new Uint8Array(size), 0, size, ballastBytes);
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error;
    }
  }
}

async function open(options = {}) {
  log = await openRaftLog({ dir, segmentBytes: 2 * MIB, ...options });
  for (const name of ['no-space', 'space-back']) log.events.on(name, () => told.push(name));
}

const dataOf = (index) => new Uint8Array(100_000).fill(index);

/** 'ok', or the code of the refusal. */
async function said(promise) {
  try {
    await promise;
    return 'ok';
  } catch (error) {
    return error.code ?? String(error);
  }
}

const append = () => said(log.append([{ index: log.lastIndex + 1, term, data: dataOf(log.lastIndex + 1) }]));
const vote = () => said(log.setHardState({ term: (term += 1), vote: 'node-7' }));

async function untilRefused(run, max) {
  let count = 0;
  let last = 'ok';
  while (count < max && (last = await run()) === 'ok') count += 1;
  return { count, last };
}

/** All entries, held against what was written. */
async function isWhole() {
  for await (const { index, data } of log.stream(log.firstIndex, log.lastIndex + 1))
    if (Buffer.compare(data, dataOf(index)) !== 0) return false;
  return true;
}

async function until(condition) {
  for (let tries = 0; tries < 200 && !condition(); tries += 1) await sleep(50);
  return condition();
}

const report = {};
await open();
report.firstVote = await vote();
// The ballast that will make room, at the end, for the snapshot's own file.
ballastBytes += writeSync(ballast, new Uint8Array(8 * MIB));
report.entries = await untilRefused(append, 10_000);
fillUp();
report.freeBytes = freeBytes();
report.entryWhenFull = await append();
report.status = log.status;
report.truncation = await said(log.truncateFrom(log.lastIndex));
report.votes = await untilRefused(vote, 500);
const { lastIndex } = log;
await log.close();
await open();
fillUp();
report.reopened = {
  verdict: log.recovery.verdict,
  isSame: log.lastIndex === lastIndex && log.hardState.term === term,
  isWhole: await isWhole(),
  freeBytes: freeBytes(),
};
report.voteAfterReopen = await vote();
fillUp(64 * 1024);
// A spare in the making may have the room for a moment; what is refused may be tried again (D7).
for (let tries = 0; tries < 20 && report.snapshot !== 'ok'; tries += 1) {
  if (tries > 0) await sleep(300);
  const data = new Uint8Array(1000);
  report.snapshot = await said(
    log.createSnapshot({ index: log.lastIndex - 1, conf: new Uint8Array(0), data }),
  );
}
fillUp();
report.freeBytesAgain = freeBytes();
report.entryStillRefused = await append();
told.length = 0;
report.compaction = await said(log.compact(log.snapshot.index));
report.isSpaceBack = await until(() => told.includes('space-back'));
report.entryAfterCompaction = await append();
fillUp();
await untilRefused(append, 10_000);
told.length = 0;
ftruncateSync(ballast, 0);
report.isSpaceBackOnceFreed = await until(() => told.includes('space-back'));
report.entryOnceFreed = await append();
report.isWhole = await isWhole();
report.isClosed = (await said(log.close())) === 'ok';
closeSync(ballast);
rmSync(join(home, 'ballast'));
report.isLogThere = existsSync(join(dir, 'superblock'));
process.stdout.write(`${JSON.stringify(report)}\n`);
