import { strict as assert } from 'node:assert';
import type { ErrorCode } from '../errors/index.js';
import type { Entry, HardStateChange, SaveRequest } from '../raft-log/contract.js';
import {
  assertRejects,
  entriesOf,
  entry,
  later,
  logWith,
  portraitOf,
  snapshotAt,
  type ConformanceCase,
} from './scene.js';

/** Wrong arguments: what is put in, and the name by which the error must call it. */
const WRONG_REQUESTS: readonly (readonly [unknown, string])[] = [
  [null, 'request'],
  [[], 'request'],
  ['entries', 'request'],
  [{ entry: [] }, 'entry'],
  [{ truncateFrom: -1 }, 'truncateFrom'],
  [{ truncateFrom: 1.5 }, 'truncateFrom'],
  [{ truncateFrom: NaN }, 'truncateFrom'],
  [{ truncateFrom: 2 ** 53 }, 'truncateFrom'],
  [{ truncateFrom: 2n }, 'truncateFrom'],
  [{ truncateFrom: '2' }, 'truncateFrom'],
  [{ entries: {} }, 'entries'],
  [{ entries: [null] }, 'entries[0]'],
  [{ entries: [{ index: 3, term: 1 }] }, 'entries[0].data'],
  [{ entries: [{ index: 3, term: 1, data: 'text' }] }, 'entries[0].data'],
  [{ entries: [{ index: 3, term: 1, data: [1, 2] }] }, 'entries[0].data'],
  [{ entries: [{ index: 3, term: -1, data: new Uint8Array(0) }] }, 'entries[0].term'],
  [{ entries: [{ index: 3, term: 2 ** 53, data: new Uint8Array(0) }] }, 'entries[0].term'],
  [{ entries: [{ index: 0, term: 1, data: new Uint8Array(0) }] }, 'entries[0].index'],
  [{ entries: [{ index: NaN, term: 1, data: new Uint8Array(0) }] }, 'entries[0].index'],
  [{ entries: [{ index: 3, term: 1, kind: 256, data: new Uint8Array(0) }] }, 'entries[0].kind'],
  [{ entries: [{ index: 3, term: 1, kind: -1, data: new Uint8Array(0) }] }, 'entries[0].kind'],
  [{ entries: [{ index: 3, term: 1, kind: 0.5, data: new Uint8Array(0) }] }, 'entries[0].kind'],
  [{ entries: [entry(3, 1), entry(3, 1)] }, 'entries[1].index'],
  [{ entries: [entry(3, 1), entry(2, 1)] }, 'entries[1].index'],
  [{ hardState: null }, 'hardState'],
  [{ hardState: { votes: 1 } }, 'hardState.votes'],
  [{ hardState: { term: 1.5 } }, 'hardState.term'],
  [{ hardState: { term: 2 ** 53 } }, 'hardState.term'],
  [{ hardState: { commit: -1 } }, 'hardState.commit'],
  [{ hardState: { vote: '' } }, 'hardState.vote'],
  [{ hardState: { vote: 'é'.repeat(128) } }, 'hardState.vote'],
  [{ hardState: { vote: '\ud800' } }, 'hardState.vote'],
  [{ hardState: { vote: 5 } }, 'hardState.vote'],
];

interface Interlock {
  readonly name: string;
  readonly request: SaveRequest;
  readonly code: ErrorCode;
}

/** On a log of terms 1, 1, 2, 2, 2 with term 3, vote 'a', commit 3. */
const INTERLOCKS: readonly Interlock[] = [
  { name: 'term back', request: { hardState: { term: 2 } }, code: 'KEELSON_TERM_REGRESSION' },
  { name: 'another vote', request: { hardState: { vote: 'b' } }, code: 'KEELSON_VOTE_CONFLICT' },
  { name: 'vote taken back', request: { hardState: { vote: null } }, code: 'KEELSON_VOTE_CONFLICT' },
  { name: 'commit back', request: { hardState: { commit: 2 } }, code: 'KEELSON_COMMIT_REGRESSION' },
  { name: 'commit beyond', request: { hardState: { commit: 6 } }, code: 'KEELSON_UNAVAILABLE' },
  {
    name: 'commit beyond the truncated log',
    request: { truncateFrom: 5, hardState: { commit: 5 } },
    code: 'KEELSON_UNAVAILABLE',
  },
  { name: 'truncation at commit', request: { truncateFrom: 3 }, code: 'KEELSON_COMMITTED_TRUNCATION' },
  {
    name: 'conflict at commit',
    request: { entries: entriesOf(3, [3]) },
    code: 'KEELSON_COMMITTED_TRUNCATION',
  },
  { name: 'terms fall', request: { entries: entriesOf(6, [3, 2]) }, code: 'KEELSON_TERM_REGRESSION' },
  {
    name: 'term below the entry before',
    request: { entries: entriesOf(6, [1]) },
    code: 'KEELSON_TERM_REGRESSION',
  },
  {
    name: 'entry above the hard state',
    request: { entries: entriesOf(6, [4]) },
    code: 'KEELSON_TERM_REGRESSION',
  },
];

/** What is refused: by which code, with nothing changed. */
export const refusalCases: readonly ConformanceCase[] = [
  {
    name: 'wrong arguments are refused by name and change nothing',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1]);
      const before = await portraitOf(log);
      for (const [request, argument] of WRONG_REQUESTS) {
        const error = await assertRejects(
          'KEELSON_INVALID_ARGUMENT',
          () => log.save(request as SaveRequest),
          argument,
        );
        assert.equal(error.details.argument, argument);
        assert.ok(
          error.message.includes(argument),
          `the message does not name ${argument}: ${error.message}`,
        );
        assert.equal(error.family, 'caller');
      }
      assert.deepEqual(await portraitOf(log), before);
      assert.equal(log.accepted.lastIndex, 2);
    },
  },
  {
    name: 'the short forms refuse a missing argument',
    run: async (scene) => {
      const log = await scene.open();
      await assertRejects('KEELSON_INVALID_ARGUMENT', () => log.append(undefined as unknown as Entry[]));
      await assertRejects('KEELSON_INVALID_ARGUMENT', () =>
        log.setHardState(undefined as unknown as HardStateChange),
      );
      await assertRejects('KEELSON_INVALID_ARGUMENT', () => log.truncateFrom(undefined as unknown as number));
    },
  },
  {
    name: 'a save beyond batchBytesMax is refused, and leaves the log usable',
    needs: ['batchBytesMax'],
    run: async (scene) => {
      const log = await scene.open();
      const bytes = (scene.harness.supports.batchBytesMax ?? 0) + 1;
      const request = {
        entries: [{ index: 1, term: 1, data: new Uint8Array(bytes) }],
        hardState: { term: 1 },
      };
      await assertRejects('KEELSON_TOO_LARGE', () => log.save(request));
      assert.deepEqual([log.lastIndex, log.accepted.lastIndex, log.hardState.term], [0, 0, 0]);
      await log.save({ entries: entriesOf(1, [1]), hardState: { term: 1 } });
      assert.equal(log.lastIndex, 1);
    },
  },
  {
    name: 'the interlocks refuse what no correct Raft asks, with nothing changed',
    needs: ['interlocks'],
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 2, 2, 2]);
      await log.setHardState({ term: 3, vote: 'a', commit: 3 });
      const before = await portraitOf(log);
      for (const { name, request, code } of INTERLOCKS) {
        await assertRejects(code, () => log.save(request), name);
        assert.deepEqual(await portraitOf(log), before, name);
      }
      await log.save({ truncateFrom: 4, entries: entriesOf(4, [3]), hardState: { commit: 4 } });
      assert.equal(log.lastIndex, 4);
    },
  },
  {
    name: 'the interlocks see what is queued, not only what is durable',
    needs: ['interlocks'],
    run: async (scene) => {
      const log = await logWith(scene, [1, 1]);
      const calls = [
        later(log.setHardState({ term: 5, vote: 'a' })),
        later(assertRejects('KEELSON_VOTE_CONFLICT', () => log.setHardState({ vote: 'b' }))),
        later(assertRejects('KEELSON_TERM_REGRESSION', () => log.setHardState({ term: 4 }))),
        later(log.setHardState({ commit: 2 })),
        later(assertRejects('KEELSON_COMMITTED_TRUNCATION', () => log.truncateFrom(2))),
      ];
      await Promise.all(calls);
      assert.deepEqual({ ...log.hardState }, { term: 5, vote: 'a', commit: 2 });
    },
  },
  {
    name: 'a snapshot that is out of place is refused by code',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 2, 2]);
      await log.createSnapshot(snapshotAt(2));
      const wide = { ...snapshotAt(3), conf: new Uint8Array(65_537) };
      await assertRejects('KEELSON_SNAPSHOT_OUT_OF_DATE', () => log.createSnapshot(snapshotAt(2)));
      await assertRejects('KEELSON_SNAPSHOT_OUT_OF_DATE', () => log.createSnapshot(snapshotAt(1)));
      await assertRejects('KEELSON_UNAVAILABLE', () => log.createSnapshot(snapshotAt(5)));
      await assertRejects('KEELSON_TOO_LARGE', () => log.createSnapshot(wide));
      await assertRejects('KEELSON_INVALID_ARGUMENT', () =>
        log.createSnapshot({ ...snapshotAt(3), index: 2.5 }),
      );
      await assertRejects('KEELSON_INVALID_ARGUMENT', () =>
        log.createSnapshot({ ...snapshotAt(3), data: 'x' as never }),
      );
      await assertRejects('KEELSON_INVALID_ARGUMENT', () =>
        log.createSnapshot({ ...snapshotAt(3), conf: undefined as never }),
      );
      await assertRejects('KEELSON_SNAPSHOT_OUT_OF_DATE', () =>
        log.installSnapshot({ ...snapshotAt(1), term: 1 }),
      );
      await assertRejects('KEELSON_TOO_LARGE', () => log.installSnapshot({ ...wide, term: 2 }));
      await assertRejects('KEELSON_INVALID_ARGUMENT', () =>
        log.installSnapshot({ ...snapshotAt(9), term: NaN }),
      );
      assert.deepEqual([log.snapshot?.index, log.firstIndex, log.lastIndex], [2, 1, 4]);
    },
  },
  {
    name: 'a snapshot against committed history or of a term never seen is refused',
    needs: ['interlocks'],
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 2, 2]);
      await log.setHardState({ commit: 3, vote: 'a' });
      const install = (index: number, term: number, hardState: HardStateChange = {}): Promise<unknown> =>
        log.installSnapshot({ ...snapshotAt(index), term, hardState });
      await assertRejects('KEELSON_COMMITTED_TRUNCATION', () => install(2, 2));
      await assertRejects('KEELSON_TERM_REGRESSION', () => install(9, 3));
      await assertRejects('KEELSON_TERM_REGRESSION', () => install(9, 2, { term: 1 }));
      await assertRejects('KEELSON_VOTE_CONFLICT', () => install(9, 2, { vote: 'b' }));
      await assertRejects('KEELSON_UNAVAILABLE', () => install(9, 2, { commit: 10 }));
      assert.deepEqual([log.snapshot, log.lastIndex, log.hardState.commit], [null, 4, 3]);
      await install(9, 3, { term: 3, commit: 1 });
      assert.deepEqual({ ...log.hardState }, { term: 3, vote: null, commit: 9 });
    },
  },
];
