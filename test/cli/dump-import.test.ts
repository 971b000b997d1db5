/**
 * What is dumped and imported again must be the log that it was, or a move to another machine changes what a server promised.
 * Logs with random histories are written, dumped as JSON lines, imported, and compared in all that they show.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { dumpCommand } from '../../src/cli/dump-command.js';
import { readJsonl } from '../../src/cli/import/jsonl.js';
import type { CliOptions } from '../../src/cli/options.js';
import { plainNumbers, type Output } from '../../src/cli/output.js';
import { isKeelsonError } from '../../src/errors/index.js';
import { type ForeignCut, importLog } from '../../src/raft-log/copies/import-log.js';
import type { Entry, RaftLog } from '../../src/raft-log/contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { entriesFrom, scratch } from '../raft-log/scratch-log.js';

const RUNS = process.env['KEELSON_DEEP'] === '1' ? 1000 : 5;

/** `at` and `count` are taken modulo what the log of that moment allows. */
interface Step {
  readonly kind: 'append' | 'conflict' | 'truncate' | 'vote' | 'value' | 'create' | 'install' | 'compact';
  readonly at: number;
  readonly count: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom<Step['kind'][]>(
    ...(['append', 'append', 'append', 'conflict', 'truncate', 'vote', 'value'] as const),
    ...(['create', 'install', 'compact'] as const),
  ),
  at: fc.nat(1000),
  count: fc.integer({ min: 1, max: 6 }),
});

const data = Uint8Array.of(1, 2, 3);
const conf = Uint8Array.of(4);

async function take({ kind, at, count }: Step, log: RaftLog): Promise<unknown> {
  const { lastIndex, hardState, snapshot } = log;
  const { term, commit } = hardState;
  const free = lastIndex - commit;
  const from = commit + 1 + (at % (free + 1));
  const key = `k${at % 3}`;
  switch (kind) {
    case 'append':
      return log.append(entriesFrom(lastIndex + 1, count, Math.max(term, 1), at % 700));
    case 'conflict':
      return log.save({
        hardState: { term: term + 1 },
        entries: entriesFrom(from, count, term + 1, at % 90),
      });
    case 'truncate':
      return log.truncateFrom(from);
    case 'vote':
      return log.setHardState({ term: term + 1, vote: at % 2 === 0 ? null : 'ü', commit: from - 1 });
    case 'value':
      return log.save({ stable: { [key]: at % 4 === 0 ? null : Uint8Array.of(at & 255, count) } });
    case 'create':
      return log.createSnapshot({ index: Math.max(1, lastIndex - (at % 5)), conf, data });
    case 'install':
      return log.installSnapshot({ index: lastIndex + count, term: Math.max(term, 1), conf, data });
    case 'compact':
      return log.compact(Math.max(0, (snapshot?.index ?? 0) - (at % 4)));
  }
}

async function dumped(dir: string): Promise<string> {
  const lines: string[] = [];
  const output: Pick<Output, 'json' | 'say'> = {
    json: (answer) => {
      lines.push(JSON.stringify(answer, plainNumbers));
      return Promise.resolve();
    },
    say: () => undefined,
  };
  const options = { dir, walDir: null, from: 0, until: Infinity, data: 'base64' };
  expect(await dumpCommand(options as CliOptions, output as Output)).toBe(0);
  return `${lines.join('\n')}\n`;
}

async function* each<T>(all: readonly T[]): AsyncGenerator<T> {
  yield* all;
}

async function shown(log: RaftLog): Promise<unknown> {
  const { firstIndex, lastIndex, lastTerm, hardState, unfitUntil, stable } = log;
  const entries = await log.entries(firstIndex, lastIndex + 1);
  const boundary = log.term(firstIndex - 1);
  return {
    boundary,
    firstIndex,
    lastIndex,
    lastTerm,
    hardState,
    unfitUntil,
    stable: [...stable].sort(),
    entries,
  };
}

test('a log of any history, dumped and imported, is the log that it was', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
      const root = scratch();
      const dir = join(root, 'log');
      const log = await openRaftLog({ dir, segmentBytes: 4096 });
      for (const one of steps)
        await take(one, log).catch((error: unknown) => {
          if (!isKeelsonError(error) || error.family !== 'caller') throw error;
        });
      const expected = await shown(log);
      const { snapshot } = log;
      await log.close();
      const file = join(root, 'dump.jsonl');
      writeFileSync(file, await dumped(dir));
      const foreign = await readJsonl(file, process.stdin);
      const entries: (Entry | ForeignCut)[] = [];
      for await (const one of foreign.entries()) entries.push(one);
      const { boundary } = foreign;
      const read = { boundary, entries: () => each(entries), end: () => foreign.end() };
      // In memory: what is imported gets segments of full size, and a real disk is long about zeros.
      const disk = createSimulatedDisk({ seed: 1, directories: ['/data'] });
      await disk.run(async (environment) => {
        await importLog(environment, '/data/copy', 'an import', read);
        expect(foreign.snapshot()).toEqual(
          snapshot === null ? null : { index: snapshot.index, term: snapshot.term },
        );
        const copy = await openRaftLog({ dir: '/data/copy', create: 'never', environment });
        try {
          expect(await shown(copy)).toEqual(expected);
        } finally {
          await copy.close();
        }
      });
    }),
    { numRuns: RUNS },
  );
});
