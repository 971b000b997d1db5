/**
 * Whatever is asked of it, in whatever order, a log must show what a plain array would. Random steps are taken on the
 * real file system and on the simulated disk at once: both must show what the model shows, in both of their views, and
 * answer each step alike. The second loses the seal of each clean end, so that it is opened by its frames, and keeps no entries in memory.
 */
import fc from 'fast-check';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createSimulatedDisk, type SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { SEAL_TRAILER_BYTES } from '../../src/format/seal.js';
import type { AcceptedView, Entry, RaftLog, ReadOptions } from '../../src/raft-log/contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { PlainLog, portraitOf } from './plain-log.js';
import { dataOf, scratch } from './scratch-log.js';

const RUNS = process.env['KEELSON_DEEP'] === '1' ? 2000 : 60;
const CONF = Uint8Array.of(4);

/** What is asked for; `at` and `count` are taken modulo what the log of that moment allows. */
interface Step {
  readonly kind:
    | 'append'
    | 'conflict'
    | 'truncate'
    | 'vote'
    | 'create'
    | 'install'
    | 'compact'
    | 'read'
    | 'wait'
    | 'reopen';
  readonly at: number;
  readonly count: number;
  readonly size: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(
    ...([
      'append',
      'append',
      'append',
      'conflict',
      'conflict',
      'truncate',
      'vote',
      'create',
      'install',
    ] as const),
    ...(['compact', 'read', 'read', 'wait', 'reopen'] as const),
  ),
  at: fc.nat(1000),
  count: fc.integer({ min: 1, max: 6 }),
  size: fc.oneof(fc.nat(40), fc.nat(3000)),
});

/** The same steps on two logs, beside the model of both. */
class Twins {
  model = new PlainLog();
  #logs: RaftLog[] = [];
  #saves: Promise<unknown>[] = [];
  readonly #open: () => Promise<RaftLog[]>;

  constructor(open: () => Promise<RaftLog[]>) {
    this.#open = open;
  }

  async reopen(): Promise<void> {
    await this.close();
    this.#logs = await this.#open();
    await this.#both(({ recovery: { verdict, segments, batches, entries, lastLsn } }) =>
      Promise.resolve({ verdict, segments, batches, entries, lastLsn }),
    );
  }

  async close(): Promise<void> {
    await this.#settled();
    await Promise.all(this.#logs.map((log) => log.close()));
  }

  async #settled(): Promise<void> {
    await Promise.all(this.#saves.splice(0));
  }

  /** What both answer; they answer alike. */
  async #both<T>(ask: (log: RaftLog) => Promise<T>): Promise<T> {
    const [first, second] = await Promise.all(this.#logs.map(ask));
    expect(second).toEqual(first);
    return first as T;
  }

  async take({ kind, at, count, size }: Step): Promise<void> {
    const { model } = this;
    const { hardState, lastIndex, firstIndex, snapshot } = model;
    const covered = Math.max(snapshot?.index ?? 0, hardState.commit, model.boundary.index);
    const within = covered + 1 + (at % (lastIndex - covered + 1));
    switch (kind) {
      case 'append':
        return this.#save(
          (log) => log.append(this.#entries(lastIndex + 1, count, hardState.term, size)),
          (state) => state.save({ entries: this.#entries(lastIndex + 1, count, hardState.term, size) }),
        );
      case 'conflict': {
        const term = hardState.term + 1;
        const entries = this.#entries(within, count, term, size);
        const request = { entries, hardState: { term } };
        return this.#save(
          (log) => log.save(request),
          (state) => state.save(request),
        );
      }
      case 'truncate':
        return this.#save(
          (log) => log.truncateFrom(within),
          (state) => state.save({ truncateFrom: within }),
        );
      case 'vote': {
        const change = {
          term: hardState.term + 1,
          vote: `n${at}`,
          commit: Math.max(hardState.commit, within - 1),
        };
        return this.#save(
          (log) => log.setHardState(change),
          (state) => state.save({ hardState: change }),
        );
      }
      case 'create': {
        const index = (snapshot?.index ?? 0) + 1 + (at % 5);
        if (index > lastIndex || index < firstIndex) return;
        const request = { index, conf: CONF, data: dataOf(index, 1, size) };
        await this.#both((log) => log.createSnapshot(request));
        this.model = model.createSnapshot(request);
        return;
      }
      case 'install': {
        const index = covered + 1 + (at % 20);
        const request = { index, term: hardState.term, conf: CONF, data: dataOf(index, 2, size) };
        await this.#both((log) => log.installSnapshot(request));
        this.model = model.installSnapshot(request);
        return;
      }
      case 'compact': {
        const upTo = at % ((snapshot?.index ?? 0) + 1);
        return this.#save(
          (log) => log.compact(upTo),
          (state) => state.compact(upTo),
        );
      }
      case 'read':
        return this.#read(firstIndex + (at % (lastIndex - firstIndex + 2)), count, size);
      case 'wait':
        await this.#settled();
        return;
      case 'reopen':
        return this.reopen();
    }
  }

  #entries(from: number, count: number, term: number, size: number): Entry[] {
    return Array.from({ length: count }, (_, at) => {
      const index = from + at;
      return { index, term, kind: index % 256, data: dataOf(index, term, size) };
    });
  }

  /** Queued, not waited for: the accepted view follows at once, the durable one in its own time. */
  #save(ask: (log: RaftLog) => Promise<unknown>, change: (state: PlainLog) => PlainLog): Promise<void> {
    this.#saves.push(...this.#logs.map(ask));
    this.model = change(this.model);
    return Promise.resolve();
  }

  async #read(from: number, count: number, bytesMax: number): Promise<void> {
    const until = Math.min(from + count * 3, this.model.lastIndex + 1);
    const expected = upToBytes(this.model.slice(from, until), bytesMax);
    const read = (view: RaftLog | AcceptedView, options: ReadOptions): Promise<Entry[]> =>
      view.entries(from, until, options);
    expect(await this.#both((log) => read(log.accepted, { bytesMax }))).toEqual(expected);
    await this.#settled();
    expect(await this.#both((log) => read(log, { bytesMax }))).toEqual(expected);
    const streamed = await this.#both(async (log) => {
      const entries: Entry[] = [];
      for await (const entry of log.stream(from, until)) entries.push(entry);
      return entries;
    });
    expect(streamed).toEqual(this.model.slice(from, until));
    // What is in memory of either view is what the disk would bring.
    for (const log of this.#logs)
      for (const view of [log, log.accepted])
        expect(view.entriesInMemory(from, until, { bytesMax }) ?? expected).toEqual(expected);
  }

  /** The accepted view shows the model at once, the durable one when all saves have settled. */
  async check(): Promise<void> {
    const { model } = this;
    for (const { accepted } of this.#logs) {
      const { lastIndex, lastTerm, hardState } = accepted;
      expect({ lastIndex, lastTerm, hardState }).toEqual({
        lastIndex: model.lastIndex,
        lastTerm: model.lastTerm,
        hardState: model.hardState,
      });
      expect(accepted.term(model.boundary.index)).toBe(model.boundary.term);
      for (const { index, term } of model.entries) expect(accepted.term(index)).toBe(term);
      // Of saves that wait, one may replace what another one holds.
      const queued = accepted.entriesInMemory(model.boundary.index + 1, model.lastIndex + 1);
      const terms = model.entries.map(({ index, term }) => [index, term]);
      expect(queued?.map(({ index, term }) => [index, term]) ?? terms).toEqual(terms);
    }
  }

  async checkDurable(): Promise<void> {
    await this.#settled();
    expect(await this.#both(portraitOf)).toBe(this.model.portrait);
  }
}

function upToBytes(entries: readonly Entry[], bytesMax: number): readonly Entry[] {
  let bytes = 0;
  const end = entries.findIndex(({ data }, at) => (bytes += data.length) > bytesMax && at > 0);
  return end < 0 ? entries : entries.slice(0, end);
}

/** Wipes the trailer of the newest segment, if there is one. */
function loseSeal(disk: SimulatedDisk): void {
  const newest = disk.list().findLast((path) => path.endsWith('.wal'));
  if (newest === undefined) return;
  const from = (disk.readVolatile(newest)?.length ?? 0) - SEAL_TRAILER_BYTES;
  disk.overwrite(newest, from, new Uint8Array(SEAL_TRAILER_BYTES));
}

test('random steps on two disks show what an array would', async () => {
  const root = scratch();
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.constantFrom(4096, 8192),
      async (steps, segmentBytes) => {
        runs += 1;
        const dir = join(root, String(runs));
        const disk = createSimulatedDisk({
          seed: runs,
          profile: { calls: 'background' },
          directories: ['/data'],
        });
        const twins = new Twins(() => {
          loseSeal(disk);
          return Promise.all([
            openRaftLog({ dir, segmentBytes }),
            openRaftLog({ dir: '/data/log', segmentBytes, recentBytes: 0, environment: disk.environment }),
          ]);
        });
        await twins.reopen();
        try {
          for (const one of steps) {
            await twins.take(one);
            await twins.check();
          }
          await twins.checkDurable();
          await twins.reopen();
          await twins.checkDurable();
        } finally {
          await twins.close();
        }
      },
    ),
    { numRuns: RUNS },
  );
});
