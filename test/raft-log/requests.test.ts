// A wrong argument that slips through is written to disk and cannot be read back as what the caller meant.
// Each wrong shape is tried alone and must be refused by code, naming the argument; right ones at the bounds pass.
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { readFields } from '../../src/errors/arguments.js';
import type { ErrorCode } from '../../src/errors/index.js';
import { readOptionsOf } from '../../src/raft-log/rules/read-options.js';
import {
  INSTALL_FIELDS,
  readInstall as installOf,
  readSave,
  readSnapshot as snapshotOf,
  readVerifyOptions,
  readWholeHardState,
  SNAPSHOT_FIELDS,
} from '../../src/raft-log/rules/requests.js';
import { DATA } from './log-of-terms.js';
import { refused } from './refused.js';

/** What is left to a caller that gave its bytes to a worker. */
function transferred(): Uint8Array {
  const bytes = Uint8Array.of(1, 2, 3);
  structuredClone(bytes, { transfer: [bytes.buffer] });
  return bytes;
}

const readSnapshot = (request: unknown): unknown =>
  snapshotOf(readFields('request', request, SNAPSHOT_FIELDS, ''));
const readInstall = (request: unknown): unknown =>
  installOf(readFields('request', request, INSTALL_FIELDS, ''));

const MAX = Number.MAX_SAFE_INTEGER;
const NOT_INTEGERS: readonly unknown[] = [NaN, 1.5, -1, 2 ** 53, Infinity, 5n, '5', null, true, {}, []];

describe('integers', () => {
  const places: readonly [string, (value: unknown) => unknown][] = [
    ['truncateFrom', (value) => ({ truncateFrom: value })],
    ['entries[0].index', (value) => ({ entries: [{ index: value, term: 1, data: DATA }] })],
    ['entries[0].term', (value) => ({ entries: [{ index: 1, term: value, data: DATA }] })],
    ['entries[0].kind', (value) => ({ entries: [{ index: 1, term: 1, kind: value, data: DATA }] })],
    ['hardState.term', (value) => ({ hardState: { term: value } })],
    ['hardState.commit', (value) => ({ hardState: { commit: value } })],
  ];
  for (const [argument, request] of places) {
    it.each(NOT_INTEGERS)(`${argument} refuses %s`, (value) => {
      const error = refused('KEELSON_INVALID_ARGUMENT', () => {
        readSave(request(value));
      });
      expect(error.details.argument).toBe(argument);
      expect(error.message).toContain(argument);
      expect(error.family).toBe('caller');
    });
  }

  it('takes the bounds', () => {
    readSave({ truncateFrom: MAX, hardState: { term: MAX, commit: MAX - 1 } });
    readSave({ truncateFrom: 0, hardState: { term: 0, commit: 0 } });
    readSave({
      entries: [
        { index: MAX - 2, term: 0, kind: 0, data: new Uint8Array(0) },
        { index: MAX - 1, term: MAX, kind: 255, data: Buffer.from('x') },
      ],
    });
    readInstall({ index: MAX - 1, term: MAX, conf: DATA, data: DATA, hardState: { commit: MAX - 1 } });
  });

  it('refuses an index above which no index is left: where a log ends is written as one above it', () => {
    const wrong: readonly [string, () => unknown][] = [
      ['entries[0].index', () => readSave({ entries: [{ index: MAX, term: 1, data: DATA }] })],
      ['hardState.commit', () => readSave({ hardState: { commit: MAX } })],
      ['index', () => readSnapshot({ index: MAX, conf: DATA, data: DATA })],
      ['index', () => readInstall({ index: MAX, term: 1, conf: DATA, data: DATA })],
    ];
    for (const [argument, read] of wrong)
      expect(refused('KEELSON_INVALID_ARGUMENT', read).details.argument).toBe(argument);
  });
});

describe('shapes', () => {
  const at = (index: number): unknown => ({ index, term: 1, data: DATA });
  const cases: readonly [string, ErrorCode, string, unknown][] = [
    ['no request', 'KEELSON_INVALID_ARGUMENT', 'request', undefined],
    ['null', 'KEELSON_INVALID_ARGUMENT', 'request', null],
    ['an array for a request', 'KEELSON_INVALID_ARGUMENT', 'request', []],
    ['bytes for a request', 'KEELSON_INVALID_ARGUMENT', 'request', DATA],
    ['a misspelt field', 'KEELSON_INVALID_ARGUMENT', 'truncatefrom', { truncatefrom: 3 }],
    [
      'an unknown field of the hard state',
      'KEELSON_INVALID_ARGUMENT',
      'hardState.comit',
      { hardState: { comit: 3 } },
    ],
    ['null for a hard state', 'KEELSON_INVALID_ARGUMENT', 'hardState', { hardState: null }],
    ['one entry for entries', 'KEELSON_INVALID_ARGUMENT', 'entries', { entries: at(1) }],
    ['null among entries', 'KEELSON_INVALID_ARGUMENT', 'entries[1]', { entries: [at(1), null] }],
    ['an entry at index 0', 'KEELSON_INVALID_ARGUMENT', 'entries[0].index', { entries: [at(0)] }],
    [
      'kind 256',
      'KEELSON_INVALID_ARGUMENT',
      'entries[0].kind',
      { entries: [{ index: 1, term: 1, kind: 256, data: DATA }] },
    ],
    ['no data', 'KEELSON_INVALID_ARGUMENT', 'entries[0].data', { entries: [{ index: 1, term: 1 }] }],
    [
      'data that was transferred away',
      'KEELSON_INVALID_ARGUMENT',
      'entries[0].data',
      { entries: [{ index: 1, term: 1, data: transferred() }] },
    ],
    [
      'a string for data',
      'KEELSON_INVALID_ARGUMENT',
      'entries[0].data',
      { entries: [{ index: 1, term: 1, data: 'x' }] },
    ],
    [
      'an array for data',
      'KEELSON_INVALID_ARGUMENT',
      'entries[0].data',
      { entries: [{ index: 1, term: 1, data: [1] }] },
    ],
    [
      'words for data',
      'KEELSON_INVALID_ARGUMENT',
      'entries[0].data',
      { entries: [{ index: 1, term: 1, data: new Uint16Array(2) }] },
    ],
    [
      'an ArrayBuffer for data',
      'KEELSON_INVALID_ARGUMENT',
      'entries[0].data',
      { entries: [{ index: 1, term: 1, data: new ArrayBuffer(2) }] },
    ],
    ['duplicate indexes', 'KEELSON_INVALID_ARGUMENT', 'entries[1].index', { entries: [at(4), at(4)] }],
    ['unordered indexes', 'KEELSON_INVALID_ARGUMENT', 'entries[1].index', { entries: [at(4), at(3)] }],
    ['a hole', 'KEELSON_INDEX_GAP', 'entries[1].index', { entries: [at(4), at(6)] }],
  ];
  it.each(cases)('%s', (_name, code, argument, request) => {
    const error = refused(code, () => {
      readSave(request);
    });
    expect(error.details.argument).toBe(argument);
  });

  it('takes fields that are there but undefined as left out', () => {
    readSave({ truncateFrom: undefined, entries: undefined, hardState: { vote: undefined } });
  });
});

describe('votes', () => {
  it.each(['', 'x'.repeat(256), 'é'.repeat(128), '\ud800', 'a\udc00b', 7, undefined, DATA, ['n1']])(
    'refuses %j',
    (vote) => {
      const error = refused('KEELSON_INVALID_ARGUMENT', () => {
        readWholeHardState('hardState', { term: 1, vote, commit: 0 });
      });
      expect(error.details.argument).toBe('hardState.vote');
    },
  );

  it.each([null, 'n', 'x'.repeat(255), 'é'.repeat(127), '\u{1F980}', '\0'])('takes %j', (vote) => {
    readSave({ hardState: { vote } });
  });
});

describe('snapshots and reads', () => {
  const snapshot = (fields: object): unknown => ({ index: 1, conf: DATA, data: DATA, ...fields });

  it('holds conf to 64 KiB', () => {
    readSnapshot(snapshot({ conf: new Uint8Array(65_536) }));
    expect(
      refused('KEELSON_TOO_LARGE', () => readSnapshot(snapshot({ conf: new Uint8Array(65_537) }))).expected,
    ).toBe(65_536);
    refused('KEELSON_INVALID_ARGUMENT', () => readSnapshot(snapshot({ conf: 'conf' })));
  });

  it('takes bytes and async iterables as data, nothing else', () => {
    readSnapshot(snapshot({ data: (async function* () {})() }));
    const noIterable = { [Symbol.asyncIterator]: null };
    for (const wrong of [undefined, null, 'text', [DATA], new Map(), noIterable, transferred()]) {
      const error = refused('KEELSON_INVALID_ARGUMENT', () => readSnapshot(snapshot({ data: wrong })));
      expect(error.details.argument).toBe('data');
    }
  });

  it('takes a signal of any realm', () => {
    const signal = runInNewContext(
      '({ aborted: false, addEventListener() {}, removeEventListener() {} })',
    ) as AbortSignal;
    expect(readVerifyOptions({ signal }).signal).toBe(signal);
    for (const wrong of [null, {}, { aborted: false }, 'signal', new EventTarget()])
      refused('KEELSON_INVALID_ARGUMENT', () => readVerifyOptions({ signal: wrong }));
  });

  it('bounds reads by a number of bytes', () => {
    expect(readOptionsOf(undefined).bytesMax).toBe(Infinity);
    expect(readOptionsOf({}).bytesMax).toBe(Infinity);
    expect(readOptionsOf({ bytesMax: 0 }).bytesMax).toBe(0);
    expect(readOptionsOf({ bytesMax: Infinity }).bytesMax).toBe(Infinity);
    for (const wrong of [NaN, -1, 1.5, '5', 5n, null]) {
      const error = refused('KEELSON_INVALID_ARGUMENT', () => readOptionsOf({ bytesMax: wrong }));
      expect(error.details.argument).toBe('options.bytesMax');
    }
    refused('KEELSON_INVALID_ARGUMENT', () => readOptionsOf({ maxBytes: 5 }));
  });
});
