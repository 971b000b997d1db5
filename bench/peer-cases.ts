import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BenchCase, CaseContext } from './case.js';
import { FedLog } from './fed-log.js';
import { median } from './rounds.js';
import { ratioAtLeast, type Row } from './row.js';
import { Worker } from './turns.js';

const ENTRY_BYTES = 256;
const FILL_BATCHES_MS = 400;
const peersDir = resolve(import.meta.dirname, '../../bench/peers');
const nodePeer = join(peersDir, 'node/peer.mjs');
const goPeer = join(peersDir, 'go/peers');

/** How a peer is started in a directory, or why it is not there. */
type Peer = { readonly name: string } & (
  { readonly start: (dir: string) => Worker } | { readonly skipped: string }
);

function nodePeers(): Peer[] {
  return ['better-sqlite3', 'classic-level', 'lmdb', 'node:sqlite'].map((name) => {
    // Without a directory it only loads the store.
    const loaded = spawnSync(process.execPath, [nodePeer, name], { stdio: 'ignore' });
    if (loaded.status === 0)
      return { name, start: (dir) => new Worker(name, process.execPath, [nodePeer, name, dir]) };
    const hint = name === 'node:sqlite' ? 'this Node has none' : 'npm install --prefix bench/peers/node';
    return { name, skipped: `not there: ${hint}` };
  });
}

function goPeers(): Peer[] {
  return ['etcd-wal', 'raft-wal'].map((name) => {
    if (!existsSync(goPeer) && spawnSync('go', ['version'], { stdio: 'ignore' }).status !== 0)
      return { name, skipped: 'no go' };
    if (
      !existsSync(goPeer) &&
      spawnSync('go', ['build', '-o', goPeer, '.'], { cwd: join(peersDir, 'go') }).status !== 0
    )
      return { name, skipped: 'its build failed: run go build in bench/peers/go' };
    return { name, start: (dir) => new Worker(name, goPeer, [name, dir]) };
  });
}

async function rateOf(worker: Worker, work: string, ms: number): Promise<number> {
  const [entries, seconds] = (await worker.ask(`${work} ${String(Math.ceil(ms))}`)).split(' ').map(Number);
  return (entries ?? NaN) / (seconds ?? NaN);
}

/** What Keelson does of a work in entries a second. */
async function ownRate(fed: FedLog, work: string, ms: number): Promise<number> {
  const startMs = performance.now();
  const untilMs = startMs + ms;
  let entries = 0;
  if (work !== 'stream') entries = await fed.saveUntil(untilMs, work === 'batch' ? 64 : 1);
  else
    do for await (const chunk of fed.log.streamChunks(1, fed.log.lastIndex + 1)) entries += chunk.length;
    while (performance.now() < untilMs);
  return (entries * 1000) / (performance.now() - startMs);
}

/** Every peer that is there takes turns with Keelson in one run. */
async function besidePeers(context: CaseContext): Promise<Row[]> {
  const { options, scratch } = context;
  const peers = [...nodePeers(), ...goPeers()];
  const dir = scratch.fresh();
  const fed = await FedLog.open(dir, ENTRY_BYTES);
  const workers: Worker[] = [];
  for (const peer of peers) {
    if ('start' in peer) workers.push(peer.start(scratch.fresh()));
    else console.error(`${peer.name}: skipped: ${peer.skipped}`);
  }
  const works = [
    ['one', 'one saver, 1 x 256 B', 0.95],
    ['batch', 'one saver, 64 x 256 B', 1.5],
    ['stream', 'stream of 256 B entries', 2],
  ] as const;
  const rows: Row[] = [];
  try {
    for (const [work, label, budget] of works) {
      const turnMs = (options.seconds * 1000) / ((options.rounds + 1) * (workers.length + 1));
      if (work === 'stream') {
        await ownRate(fed, 'batch', FILL_BATCHES_MS);
        for (const worker of workers) await rateOf(worker, 'batch', FILL_BATCHES_MS);
      }
      const own: number[] = [];
      const theirs = new Map<Worker, number[]>(workers.map((worker) => [worker, []]));
      // The first round warms up.
      for (let round = 0; round <= options.rounds; round += 1) {
        const rate = await ownRate(fed, work, turnMs);
        if (round > 0) own.push(rate);
        for (const worker of workers) {
          const other = await rateOf(worker, work, turnMs);
          if (round > 0) theirs.get(worker)?.push(other);
          context.progress(`${label}: round ${String(round)}, ${worker.name}`);
        }
      }
      for (const [worker, rates] of theirs)
        rows.push({
          work: label,
          unit: 'entries/s',
          keelson: median(own),
          reference: { name: worker.name, value: median(rates) },
          ratio: median(own.map((rate, round) => rate / (rates[round] ?? NaN))),
          budget: ratioAtLeast(budget),
        });
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.close()));
    await fed.log.close();
    scratch.drop(dir);
  }
  return rows;
}

export const peerCases: readonly BenchCase[] = [{ name: 'peers', run: besidePeers }];
