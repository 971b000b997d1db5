// A client in another language must be held to what ours promises, and a runner that passes everything would hold nobody.
// Our client passes all cases through an adapter, over a server that is killed; adapters that err are told where they do.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { adapterOver, Unsupported } from '../../examples/wire-adapter/adapter.js';
import { createSimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { openRaftLog } from '../../src/index.js';
import { tryCase, type Adapter, type ConformanceCase } from '../../src/grpc/conformance/try-case.js';
import { difference, expanded } from '../../src/grpc/conformance/values.js';
import { keelsonProcess } from '../cli/stores.js';
import { connectTo, hostOf } from './in-process.js';

const IS_DEEP = process.env['KEELSON_DEEP'] === '1';

const ADAPTER = join(import.meta.dirname, '../../dist/examples/wire-adapter/main.js');
const CASES = join(import.meta.dirname, '../../src/grpc/conformance/cases');
const cases = readdirSync(CASES).flatMap(
  (file) => JSON.parse(readFileSync(join(CASES, file), 'utf8')) as ConformanceCase[],
);

const server = { start: nothing, stop: nothing, kill: nothing };
function nothing(): Promise<void> {
  return Promise.resolve();
}

const disk = createSimulatedDisk({
  seed: 'wire',
  profile: { calls: 'inline' },
  directories: ['/logs', '/own'],
});
const { environment } = disk;
const host = hostOf(environment, '/logs');

describe.each<[string, Parameters<typeof adapterOver>[0]]>([
  ['our client', (name, { takeOver = false }) => connectTo(host, name, { takeOver })],
  ['the log of one process', (name) => openRaftLog({ dir: `/own/${name}`, segmentBytes: 8192, environment })],
])('%s', (who, openLog) => {
  const ask = adapterOver((name, how) => {
    if (how.create !== undefined || (how.takeOver === true && who !== 'our client')) throw new Unsupported();
    return openLog(name, how);
  });
  // Those of a server that ends run against a process, below.
  const calm = cases.filter(({ steps }) => !JSON.stringify(steps).includes('"server"'));
  test.each(calm.map((one, at) => [one.name, one, at] as const))('passes: %s', async (name, one, at) => {
    const verdict = await tryCase(one, at, { ask: (request) => ask(request as never) as never }, server);
    const isOfSessions = /not made where|takes a log over|loses a log/u.test(name);
    expect(verdict.outcome, verdict.why).toBeOneOf(isOfSessions ? ['passed', 'unsupported'] : ['passed']);
  });
});

test('our client passes as a process, over a server that is killed', async () => {
  const only = IS_DEEP ? [] : ['--only', 'kill -9'];
  const ran = await keelsonProcess('conformance', ...only, '--', process.execPath, ADAPTER);
  expect(ran.stdout).toMatch(/(\d+) cases?: \1 passed, 0 unsupported, 0 failed\n$/u);
  expect(ran.code).toBe(0);
});

test('an adapter that cannot be run, or says what is no answer, fails every case by name', async () => {
  const ran = await keelsonProcess(
    'conformance',
    '--only',
    'many entries',
    '--',
    process.execPath,
    '-e',
    'console.log(1)',
  );
  expect(ran.code).toBe(1);
  expect(ran.stdout).toMatch(
    /failed +writing: one save of many entries.*: the adapter answered nothing that was asked: 1\n/u,
  );
  expect((await keelsonProcess('conformance')).stderr).toContain(
    'conformance needs an adapter: -- COMMAND [ARG..].',
  );
});

const CASE: ConformanceCase = {
  name: 'one',
  steps: [
    { call: 'open' },
    { call: 'save', expect: { lastIndex: 1 } },
    { together: [{ call: 'entries', error: { code: 'KEELSON_COMPACTED' } }] },
  ],
};

test.each([
  [{}, 'failed', 'step 2, save: answer.lastIndex is left out, expected 1'],
  [
    { save: { error: { code: 'X' } } },
    'failed',
    'step 2, save: it ended with {"code":"X"}, expected an answer',
  ],
  [{ save: { unsupported: true } }, 'unsupported', 'save'],
  [
    { save: { ok: { lastIndex: 1 } } },
    'failed',
    'step 3.1, entries: it was answered by {}, expected {"code":"KEELSON_COMPACTED"}',
  ],
  [
    { save: { ok: { lastIndex: 1 } }, entries: { error: { code: 'KEELSON_COMPACTED', fate: 'x' } } },
    'passed',
    '',
  ],
] as const)('answers %j come to: %s', async (answers, outcome, why) => {
  const adapter: Adapter = {
    ask: ({ call }) =>
      Promise.resolve((answers as Record<string, object>)[String(call)] ?? { ok: {} }) as never,
  };
  expect(await tryCase(CASE, 1, adapter, server)).toEqual({ name: 'one', outcome, why });
});

test('what is written short is made, and what is not as expected is shown', () => {
  const run = (from: number, count: number) => ({ run: { from, count, term: 1, bytes: 3 } });
  expect(expanded({ joined: [run(1, 2), run(3, 1)] })).toEqual(expanded(run(1, 3)));
  expect(difference([1, 2], [1], 0)).toBe('answer is [1,2], expected a list of 1');
  expect(difference({ a: [{ b: 1 }] }, { a: [{ b: 2 }] }, 0)).toBe('answer.a[0].b is 1, expected 2');
  expect(difference({ a: 1, b: 2 }, { exactly: { a: 1 } }, 0)).toContain('expected exactly {"a":1}');
  expect(difference(4, { oneOf: [4, 6], atLeast: 'acknowledged' }, 5)).toBe(
    'answer is 4, expected at least 5',
  );
  expect(difference(5, { oneOf: [4, 6] }, 0)).toBe('answer is 5, expected one of [4,6]');
});
