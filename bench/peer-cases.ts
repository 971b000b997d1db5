import type { BenchCase, CaseContext } from './case.js';
import { FedLog, payload } from './fed-log.js';
import { measureChild } from './measure-child.js';
import { allPeers, type Peer } from './peer-programs.js';
import { median } from './rounds.js';
import { ratioAtLeast, ratioAtMost, type Budget, type Row } from './row.js';
import type { Worker } from './turns.js';

const ENTRY_BYTES = 256;
/** Streamed by all: what was saved before, and at least so many. */
const STREAMED_MIN = 100_000;
/** They fill four segments of the default size almost to the end: 256 MiB of files. */
const OPENED = 960_000;

const KIB = 1024;

/** A work that all stores do by turns. */
interface Work {
  /** As a peer is asked for it. */
  readonly name: 'one' | 'batch' | 'stream' | 'large' | 'huge';
  readonly label: string;
  /** Of each entry, where its rate is told in bytes. */
  readonly entryBytes?: number;
  /** Keelson's part of it: entries until the moment. */
  readonly own: (fed: FedLog, untilMs: number) => Promise<number>;
  /** What is asked of the ratio to a peer. */
  readonly budget: (peer: string) => Budget | null;
}

/** A goal beside one peer, or beside each. */
const beside =
  (budget: Budget, name?: string) =>
  (peer: string): Budget | null =>
    name === undefined || name === peer ? budget : null;
const noGoal = (): null => null;

const WORKS: readonly Work[] = [
  {
    name: 'one',
    label: 'one saver, 1 x 256 B',
    own: (fed, untilMs) => fed.saveUntil(untilMs, 1),
    budget: beside(ratioAtLeast(0.95)),
  },
  {
    name: 'batch',
    label: 'one saver, 64 x 256 B',
    own: (fed, untilMs) => fed.saveUntil(untilMs, 64),
    budget: beside(ratioAtLeast(1.5)),
  },
  {
    name: 'stream',
    label: 'streamChunks of 256 B entries',
    own: streamChunks,
    budget: beside(ratioAtLeast(0.8), 'raft-engine'),
  },
  {
    name: 'stream',
    label: 'stream of 256 B entries',
    own: streamEach,
    budget: beside(ratioAtLeast(2), 'lmdb'),
  },
  {
    name: 'large',
    label: 'one saver, 1 x 64 KiB',
    entryBytes: 64 * KIB,
    own: (fed, untilMs) => saveLarge(fed, untilMs, 64 * KIB),
    budget: noGoal,
  },
  {
    name: 'huge',
    label: 'one saver, 1 x 1 MiB',
    entryBytes: KIB * KIB,
    own: (fed, untilMs) => saveLarge(fed, untilMs, KIB * KIB),
    budget: noGoal,
  },
];

async function streamChunks({ log }: FedLog, untilMs: number): Promise<number> {
  let entries = 0;
  do for await (const chunk of log.streamChunks(1, log.lastIndex + 1)) entries += chunk.length;
  while (performance.now() < untilMs);
  return entries;
}

async function streamEach({ log }: FedLog, untilMs: number): Promise<number> {
  let entries = 0;
  do for await (const entry of log.stream(1, log.lastIndex + 1)) entries += entry.data.length > 0 ? 1 : 0;
  while (performance.now() < untilMs);
  return entries;
}

async function saveLarge({ log }: FedLog, untilMs: number, bytes: number): Promise<number> {
  const data = payload(bytes);
  let saved = 0;
  do {
    await log.append([{ index: log.lastIndex + 1, term: 1, data }]);
    saved += 1;
  } while (performance.now() < untilMs);
  return saved;
}

async function fill(fed: FedLog, entries: number): Promise<void> {
  while (fed.log.lastIndex < entries) await fed.save(Math.min(1024, entries - fed.log.lastIndex));
}

/** What a peer has done, and in how many seconds. */
async function askFor(worker: Worker, work: string, figure: number): Promise<[number, number]> {
  const [done, seconds] = (await worker.ask(`${work} ${String(Math.ceil(figure))}`)).split(' ').map(Number);
  return [done ?? NaN, seconds ?? NaN];
}

type StartedPeer = Extract<Peer, { start: unknown }>;

/** Those that are there; of each other it is said why not. */
function peersThere(): StartedPeer[] {
  return allPeers().filter((peer): peer is StartedPeer => {
    if ('skipped' in peer) console.error(`${peer.name}: skipped: ${peer.skipped}`);
    return 'start' in peer;
  });
}

/** Every peer that is there takes turns with Keelson in one run. */
async function besidePeers(context: CaseContext): Promise<Row[]> {
  const { scratch } = context;
  const dir = scratch.fresh();
  const fed = await FedLog.open(dir, ENTRY_BYTES);
  const workers = peersThere().map((peer) => peer.start(scratch.fresh()));
  const rows: Row[] = [];
  try {
    for (const work of WORKS) rows.push(...(await byTurns(context, work, fed, workers)));
  } finally {
    await Promise.all(workers.map((worker) => worker.close()));
    await fed.log.close();
    scratch.drop(dir);
  }
  return rows;
}

/** One work in rounds: Keelson's turn, then each peer's. */
async function byTurns(
  context: CaseContext,
  work: Work,
  fed: FedLog,
  workers: readonly Worker[],
): Promise<Row[]> {
  const { options } = context;
  const turnMs = (options.seconds * 1000) / ((options.rounds + 1) * (workers.length + 1));
  if (work.name === 'stream') {
    await fill(fed, STREAMED_MIN);
    for (const worker of workers) await askFor(worker, 'fill', STREAMED_MIN);
  }
  const scale = work.entryBytes === undefined ? 1 : work.entryBytes / (KIB * KIB);
  const own: number[] = [];
  const theirs = new Map<string, number[]>(workers.map(({ name }) => [name, []]));
  // The first round warms up.
  for (let round = 0; round <= options.rounds; round += 1) {
    const startMs = performance.now();
    const entries = await work.own(fed, startMs + turnMs);
    if (round > 0) own.push((entries * scale * 1000) / (performance.now() - startMs));
    for (const worker of workers) {
      const [done, seconds] = await askFor(worker, work.name, turnMs);
      if (round > 0) theirs.get(worker.name)?.push((done * scale) / seconds);
      context.progress(`${work.label}: round ${String(round)}, ${worker.name}`);
    }
  }
  return rowsOf(work.label, work.entryBytes === undefined ? 'entries/s' : 'MiB/s', own, theirs, work.budget);
}

function rowsOf(
  work: string,
  unit: string,
  own: readonly number[],
  theirs: ReadonlyMap<string, readonly number[]>,
  budget: (peer: string) => Budget | null,
): Row[] {
  return [...theirs].map(([name, figures]) => ({
    work,
    unit,
    keelson: median(own),
    reference: { name, value: median(figures) },
    ratio: median(own.map((figure, round) => figure / (figures[round] ?? NaN))),
    budget: budget(name),
  }));
}

/** Opens of one log after the other, each in a process that opens nothing else: that is what a restart waits for. */
async function openBesidePeers(context: CaseContext): Promise<Row[]> {
  const { options, scratch } = context;
  const dir = scratch.fresh();
  const fed = await FedLog.open(dir, ENTRY_BYTES);
  await fill(fed, OPENED);
  await fed.log.close();
  const peers = peersThere().map((peer) => ({ ...peer, dir: scratch.fresh() }));
  for (const { name, start, dir: at } of peers) {
    context.progress(`filling ${name}`);
    const worker = start(at);
    await askFor(worker, 'fill', OPENED);
    await worker.close();
  }
  const own: number[] = [];
  const theirs = new Map<string, number[]>(peers.map(({ name }) => [name, []]));
  for (let round = 0; round < options.rounds; round += 1) {
    own.push((await measureChild(dir)).openMs);
    for (const { name, start, dir: at } of peers) {
      const worker = start(at);
      const [, seconds] = await askFor(worker, 'open', 0);
      theirs.get(name)?.push(seconds * 1000);
      await worker.close();
      context.progress(`open 256 MiB: round ${String(round)}, ${name}`);
    }
  }
  for (const at of [dir, ...peers.map((peer) => peer.dir)]) scratch.drop(at);
  return rowsOf('open 256 MiB, last segment full', 'ms', own, theirs, beside(ratioAtMost(0.7), 'raft-wal'));
}

export const peerCases: readonly BenchCase[] = [
  { name: 'peers', run: besidePeers },
  { name: 'peer-opens', run: openBesidePeers },
];
