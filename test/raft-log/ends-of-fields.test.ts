// A value that is taken at the end of its field, while what stands one above it does not fit, is acknowledged and then gone.
// Random calls at both ends of every field go to logs that begin there, and what they show is held against a reopening.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSimulatedDisk } from '../../sim/disk/simulated-disk.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';

const DIR = '/data/log';
const LAST = Number.MAX_SAFE_INTEGER;

const near = (...ends: number[]): fc.Arbitrary<number> =>
  fc.tuple(fc.constantFrom(...ends), fc.integer({ min: -3, max: 2 })).map(([end, by]) => end + by);
const number = near(0, 3, LAST);
const vote = fc.constantFrom(
  null,
  'a',
  '',
  'é'.repeat(127),
  `${'é'.repeat(127)}a`,
  'é'.repeat(128),
  '\ufeffa',
  '\0',
);
const kind = fc.constantFrom(undefined, -1, 0, 255, 256);
const data = fc.constantFrom(0, 1, 399, 400, 5000).map((size) => new Uint8Array(size).fill(size));
const conf = fc.constantFrom(0, 65_536, 65_537).map((size) => new Uint8Array(size).fill(7));

type Call = (log: RaftLog) => Promise<unknown>;

const entries: fc.Arbitrary<Call> = fc
  .record({
    back: fc.integer({ min: -1, max: 2 }),
    count: fc.integer({ min: 1, max: 3 }),
    term: number,
    kind,
    data,
  })
  .map(({ back, count, term, kind, data }) => (log) => {
    const from = log.accepted.lastIndex + 1 - back;
    const own = kind === undefined ? { term, data } : { term, data, kind };
    return log.append(Array.from({ length: count }, (_, at) => ({ index: from + at, ...own })));
  });
const hardState: fc.Arbitrary<Call> = fc
  .record({ term: number, vote, commit: number }, { requiredKeys: [] })
  .map((change) => (log) => log.setHardState(change));
const cut: fc.Arbitrary<Call> = number.map((from) => (log) => log.truncateFrom(from));
const compact: fc.Arbitrary<Call> = number.map((upTo) => (log) => log.compact(upTo));
const create: fc.Arbitrary<Call> = fc
  .record({ index: number, conf, data })
  .map((request) => (log) => log.createSnapshot(request));
const install: fc.Arbitrary<Call> = fc
  .record({
    index: number,
    term: number,
    conf,
    data,
    hardState: fc.record({ term: number, vote, commit: number }),
  })
  .map((request) => (log) => log.installSnapshot(request));

async function shownBy(log: RaftLog): Promise<unknown> {
  const { hardState, firstIndex, lastIndex, lastTerm, snapshot } = log;
  const held = await log.entries(firstIndex, lastIndex + 1);
  return { hardState, firstIndex, lastIndex, lastTerm, snapshot, held };
}

test('what is taken is there after reopening, and all else is refused by name, with nothing changed', async () => {
  const call = fc.oneof(entries, hardState, cut, compact, create, install);
  await fc.assert(
    fc.asyncProperty(
      near(0, LAST - 1),
      fc.constantFrom('strict' as const, 'off' as const),
      fc.array(call, { minLength: 1, maxLength: 8 }),
      async (start, checks, calls) => {
        const { environment } = createSimulatedDisk({ seed: 1, directories: ['/data'] });
        const open = (): Promise<RaftLog> =>
          openRaftLog({ dir: DIR, segmentBytes: 8192, checks, environment });
        let log = await open();
        if (start > 0 && start < LAST) {
          const base = { index: start, term: 0, conf: new Uint8Array(0), data: new Uint8Array(0) };
          await log.installSnapshot(base);
        }
        for (const one of calls) {
          const before = await shownBy(log);
          const refusal = await one(log).then(
            () => null,
            (error: unknown) => error,
          );
          if (refusal === null) continue;
          expect(refusal).toMatchObject({ family: 'caller' });
          expect(await shownBy(log)).toEqual(before);
        }
        const before = await shownBy(log);
        await log.close();
        log = await open();
        expect(await shownBy(log)).toEqual(before);
        await log.close();
      },
    ),
    { numRuns: Number(process.env['KEELSON_RUNS'] ?? 25) },
  );
});
