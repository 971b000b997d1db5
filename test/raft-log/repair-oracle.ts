import { expect } from 'vitest';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { Random } from '../../sim/world/random.js';
import type { Entry, HardState, RaftLog } from '../../src/raft-log/contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import type { RepairPlan } from '../../src/raft-log/repair/repair-plan.js';
import type { RepairReport } from '../../src/raft-log/repair-store.js';
import { DIR, Scribe, type End } from '../damage/chronicle.js';
import { bytesOf } from './scratch-log.js';
import type { PlainLog } from './plain-log.js';

export const SUPERBLOCK: string = `${DIR}/superblock`;
export const MARKS: string = `${DIR}/marks`;
const SEGMENT_BYTES = 4096;

/** A store whose last process is dead, and what it acknowledged. */
export interface Past {
  readonly end: End;
  readonly disk: SimulatedDisk;
  /** Every state that it promised, oldest first. */
  readonly states: readonly PlainLog[];
  /** Files as they stood at some moments, for those that are set back. */
  readonly moments: readonly ReadonlyMap<string, Uint8Array>[];
}

/** Runs a random life: elections, conflicts, snapshots, installs, compactions, restarts. */
export async function randomPast(seed: number): Promise<Past> {
  const random = new Random(seed);
  const end = random.pick<End>(['clean', 'marked', 'unmarked']);
  const scribe = new Scribe();
  await scribe.disk.queue.runUntil(
    (async () => {
      await scribe.open();
      const steps = 8 + random.below(40);
      for (let step = 0; step < steps; step += 1) await takeStep(scribe, random);
      if (end === 'marked') await scribe.idle();
      if (end === 'clean') await scribe.close();
    })(),
  );
  scribe.kill();
  const moments = scribe.moments.map(({ images }) => images);
  return { end, disk: scribe.disk, states: scribe.states, moments };
}

async function takeStep(scribe: Scribe, random: Random): Promise<void> {
  const { newest } = scribe;
  const { term, commit } = newest.hardState;
  const sizes = Array.from({ length: 1 + random.below(4) }, () => random.below(random.pick([5, 300, 1400])));
  switch (random.below(16)) {
    case 0:
    case 1:
      return scribe.save({ hardState: { term: term + 1, vote: random.pick(['n1', 'n2', 'n3']) } });
    case 2:
      return scribe.save({ hardState: { term: term + 1 + random.below(2) } });
    case 3: {
      if (commit >= newest.lastIndex) return scribe.append(sizes);
      const from = commit + 1 + random.below(newest.lastIndex - commit);
      const entries = scribe.entries(sizes, term + 1, from);
      return scribe.save({ entries, hardState: { term: term + 1, vote: random.pick([null, 'n2']) } });
    }
    case 4:
      if (commit >= newest.lastIndex) return scribe.append(sizes);
      // By another leader: one and the same never writes an index of its term twice.
      return scribe.save({
        truncateFrom: commit + 1 + random.below(newest.lastIndex - commit),
        hardState: { term: term + 1 },
      });
    case 5:
    case 6:
      return scribe.save({ hardState: { commit: commit + random.below(newest.lastIndex - commit + 1) } });
    case 7:
      if (commit <= (newest.snapshot?.index ?? 0)) return scribe.append(sizes);
      return scribe.snapshot(commit, random.below(900));
    case 8:
      if (newest.snapshot === null) return scribe.append(sizes);
      return scribe.compact(Math.max(0, newest.snapshot.index - random.below(3)));
    case 9: {
      if (term === 0 || !random.chance(0.3)) return scribe.append(sizes);
      const index = newest.lastIndex + 1 + random.below(6);
      return scribe.install(index, term, random.below(600));
    }
    case 10:
      return random.chance(0.5) ? restart(scribe, random) : scribe.idle();
    default:
      if (term === 0) return scribe.save({ hardState: { term: 1 } });
      return scribe.append(sizes);
  }
}

async function restart(scribe: Scribe, random: Random): Promise<void> {
  if (random.chance(0.5)) await scribe.close();
  else scribe.disk.crash(random.pick(['kill', 'power', 'kill-power'] as const));
  await scribe.open();
}

/** What was done to a store, as far as it matters which of its witnesses were hurt. */
export interface Wounds {
  readonly text: string;
  readonly touched: ReadonlySet<string>;
}

/** Hurts a store in one to three places. */
export function hurt(past: Past, disk: SimulatedDisk, seed: number): Wounds {
  const random = new Random(seed);
  const texts: string[] = [];
  const touched = new Set<string>();
  for (let count = 1 + random.below(3); count > 0; count -= 1) {
    const files = disk.list().filter((path) => path.startsWith(DIR) && !path.includes('quarantine'));
    // A superblock lost is what repairs are for, and the newest segment is where most is to be lost.
    const path = random.chance(0.25) && files.includes(SUPERBLOCK) ? SUPERBLOCK : random.pick(files);
    texts.push(wound(disk, random, path, files, touched, past));
    touched.add(path);
  }
  return { text: texts.join(', then '), touched };
}

function wound(
  disk: SimulatedDisk,
  random: Random,
  path: string,
  files: readonly string[],
  touched: Set<string>,
  { moments }: Past,
): string {
  const bytes = disk.readVolatile(path) ?? new Uint8Array();
  const size = bytes.length;
  const at = random.below(size);
  switch (size === 0 ? 0 : random.below(9)) {
    case 0:
      disk.remove(path);
      return `${path} removed`;
    case 1:
      disk.resize(path, at);
      return `${path} cut at ${at}`;
    case 2: {
      const from = at - (at % 512);
      disk.overwrite(path, from, new Uint8Array(Math.min(512, size - from)));
      return `sector at ${from} of ${path} zeroed`;
    }
    case 3:
      disk.overwrite(path, 0, new Uint8Array(size));
      return `${path} zeroed`;
    case 4: {
      const other = random.pick(files);
      const others = disk.readVolatile(other) ?? new Uint8Array();
      touched.add(other);
      disk.writeFile(path, others);
      disk.writeFile(other, bytes);
      return `${path} and ${other} exchanged`;
    }
    case 5: {
      const other = random.pick(files);
      disk.writeFile(path, disk.readVolatile(other) ?? new Uint8Array());
      return `${other} copied over ${path}`;
    }
    case 6: {
      const old = random.pick(moments).get(path);
      // With another wound beside it nobody can tell: that is for the single one.
      if (old === undefined || touched.size > 0) break;
      disk.writeFile(path, old);
      return `${path} rolled back`;
    }
  }
  disk.flipBit(path, at, at % 8);
  return `bit ${at % 8} of byte ${at} of ${path} flipped`;
}

/** What an operator sees of a store. */
export interface Portrait {
  readonly entries: readonly Entry[];
  readonly boundary: { readonly index: number; readonly term: number };
  readonly hardState: HardState;
  readonly snapshot: { readonly index: number; readonly term: number; readonly data: string } | null;
  readonly unfitUntil: number;
}

export async function openAnd<T>(disk: SimulatedDisk, use: (log: RaftLog) => Promise<T>): Promise<T> {
  const outcome = await disk.run(async (environment) => {
    const log = await openRaftLog({ dir: DIR, segmentBytes: SEGMENT_BYTES, create: 'never', environment });
    try {
      return await use(log);
    } finally {
      await log.close();
    }
  });
  if (outcome.crashed) throw new Error('nothing was to stop the open');
  return outcome.value;
}

export function portraitOf(disk: SimulatedDisk): Promise<Portrait> {
  return openAnd(disk, async (log) => {
    const opened = await log.openSnapshot();
    const data = opened === null ? '' : Buffer.from(await bytesOf(opened.data)).toString('hex');
    const boundary = { index: log.firstIndex - 1, term: log.term(log.firstIndex - 1) };
    return {
      entries: await log.entries(log.firstIndex, log.lastIndex + 1),
      boundary,
      hardState: log.hardState,
      snapshot: log.snapshot === null ? null : { index: log.snapshot.index, term: log.snapshot.term, data },
      unfitUntil: log.unfitUntil,
    };
  });
}

/** True unless R5 lets the wounds pass for a tear: the tail and all that could bear witness of it were hurt. */
export function isBounded({ end, disk }: Past, { touched }: Wounds): boolean {
  const segments = disk.list().filter((path) => path.endsWith('.wal'));
  const isTailHurt = touched.has(segments.at(-1) ?? '');
  if (end === 'unmarked') return !isTailHurt;
  const isClosed = end === 'clean' && !touched.has(SUPERBLOCK);
  return isClosed || !isTailHurt || !touched.has(MARKS);
}

/** Holds what a repaired store shows against all that it ever promised. */
export function judge({ states }: Past, shown: Portrait, bounded: boolean): void {
  const { entries, boundary, hardState, snapshot, unfitUntil } = shown;
  const written = new Map<string, Entry>();
  for (const state of states)
    for (const entry of state.entries) written.set(`${entry.index}:${entry.term}`, entry);
  entries.forEach((entry, at) => {
    expect(entry.index).toBe(boundary.index + 1 + at);
    const original = written.get(`${entry.index}:${entry.term}`);
    expect(original, `entry ${entry.index} of term ${entry.term} was never written`).toBeDefined();
    expect([entry.kind, Buffer.from(entry.data).toString('hex')]).toEqual([
      original?.kind ?? 0,
      Buffer.from(original?.data ?? []).toString('hex'),
    ]);
  });
  if (snapshot !== null)
    expect(
      states.some(
        (state) => state.snapshot?.index === snapshot.index && state.snapshot.term === snapshot.term,
      ),
    ).toBe(true);
  if (boundary.index > 0) expect(snapshot?.index ?? 0).toBeGreaterThanOrEqual(boundary.index);
  if (!bounded) return;
  const final = states[states.length - 1] as PlainLog;
  const isFit = unfitUntil === 0;
  const missing = whatIsMissing(final, shown);
  if (isFit && missing !== null) throw new Error(`it is fit to vote, but ${missing}`);
  if (unfitUntil !== Infinity && !isFit) expect(unfitUntil).toBeGreaterThanOrEqual(final.lastIndex);
  const { term, vote } = hardState;
  const votes = states.map((state) => state.hardState).filter((before) => before.vote !== null);
  // A vote that it shows is one that it cast, and, unless it casts none any more, no term that it has voted in is to come.
  if (vote !== null) expect(votes).toContainEqual(expect.objectContaining({ term, vote }));
  if (unfitUntil === Infinity) return;
  expect(term).toBeGreaterThanOrEqual(final.hardState.term);
  for (const before of votes) {
    if (before.term < term) continue;
    expect([before.term, before.vote]).toEqual([term, vote]);
  }
}

/** What of the last promise the log does not hold, in words; null if nothing is missing. */
function whatIsMissing(final: PlainLog, { entries, boundary, snapshot }: Portrait): string | null {
  if (boundary.index > final.boundary.index) {
    if (boundary.index > final.lastIndex || final.termAt(boundary.index) !== boundary.term)
      return `it begins behind ${boundary.index} of term ${boundary.term}, which it had not`;
  }
  const last = boundary.index + entries.length;
  if (last < final.lastIndex) return `it ends at ${last}, and had acknowledged ${final.lastIndex}`;
  for (let index = Math.max(boundary.index, final.boundary.index) + 1; index <= final.lastIndex; index += 1) {
    const term = entries[index - boundary.index - 1]?.term;
    if (term !== final.termAt(index)) return `entry ${index} is of term ${term}, not ${final.termAt(index)}`;
  }
  if ((snapshot?.index ?? 0) < boundary.index) return 'no snapshot reaches its beginning';
  return null;
}

/** Holds what a repair says of itself against what it did. */
export function judgeReport(past: Past, report: RepairReport, shown: Portrait, bounded: boolean): void {
  const { result, lost } = report;
  if (result === null) throw new Error('nothing was repaired');
  expect([shown.boundary.index + 1, shown.boundary.index + shown.entries.length]).toEqual([
    result.firstIndex,
    result.lastIndex,
  ]);
  expect(shown.hardState).toEqual(result.hardState);
  expect(shown.unfitUntil).toBe(result.hardState.commit >= result.unfitUntil ? 0 : result.unfitUntil);
  expect(shown.snapshot?.index ?? null).toBe(result.snapshot?.index ?? null);
  if (!bounded || lost.mayBeAcknowledged) return;
  const final = past.states[past.states.length - 1] as PlainLog;
  expect(whatIsMissing(final, shown)).toBeNull();
  const { term, vote } = final.hardState;
  expect(shown.hardState).toMatchObject({ term, vote });
}

/** The first and last index that a server shows which is started without a repair, and the entries that it cannot read. */
async function servedBy(
  disk: SimulatedDisk,
): Promise<{ readonly last: number; readonly lost: readonly number[] } | null> {
  const outcome = await disk.run(async (environment) => {
    const options = { dir: DIR, segmentBytes: SEGMENT_BYTES, create: 'never', environment } as const;
    const log = await openRaftLog(options).catch(() => null);
    if (log === null) return null;
    const lost: number[] = [];
    for (let index = log.firstIndex; index <= log.lastIndex; index += 1)
      await log.entries(index, index + 1).catch(() => lost.push(index));
    await log.close();
    return { last: log.lastIndex, lost };
  });
  if (outcome.crashed) throw new Error('nothing was to stop the open');
  return outcome.value;
}

/**
 * Holds a plan against a server that is started without a repair, entry by entry: each damage says whether an open
 * succeeds and which entries cannot be read, those and no others, and what is kept goes as far as they let it.
 *
 * @param disk a fork, which is used up
 */
export async function judgeEntries(disk: SimulatedDisk, { damage, result }: RepairPlan): Promise<void> {
  const served = await servedBy(disk);
  const closed = damage.filter(({ canOpen }) => !canOpen);
  expect(closed.length === 0, `opens, ${JSON.stringify(closed)}`).toBe(served !== null);
  if (served === null) return;
  const named = damage.flatMap(({ entries: { from, until } }) =>
    Array.from({ length: until - from }, (_, at) => from + at),
  );
  expect(named, 'entries that cannot be read').toEqual(served.lost);
  // A snapshot that cannot be read takes the entries with it that only make sense behind it.
  if (result === null || !damage.every(({ path }) => path.endsWith('.wal'))) return;
  const start = Math.max(result.firstIndex - 1, result.snapshot?.index ?? 0);
  const next = served.lost.find((index) => index > start) ?? served.last + 1;
  expect(result.lastIndex, 'kept up to').toBe(next - 1);
}

/** The bytes of every file that may not be lost, wherever it is: what is given up by a repair, and what it keeps. */
export function contents(disk: SimulatedDisk): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const path of disk.list())
    texts.set(path, Buffer.from(disk.readVolatile(path) ?? []).toString('latin1'));
  return texts;
}
