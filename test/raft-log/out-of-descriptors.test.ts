/**
 * A server that runs against its limit of open files has written nothing wrong: a log that latched for that would stop it
 * for good. Descriptors are taken away at each call that needs one, of a save, a rotation and a snapshot, in the
 * simulated disk and under a real `ulimit -n`, and given back.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CallKind } from '../../sim/disk/calls/call-kinds.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { scratchDirectory } from '../disk/scratch-directory.js';
import { dataOf, entriesFrom, simulated } from './scratch-log.js';

const BUILT = join(import.meta.dirname, '../../dist/src/index.js');

const NEEDS_DESCRIPTOR: ReadonlySet<CallKind> = new Set<CallKind>(['open', 'readdir', 'syncDirectory']);

const ATTEMPTS: readonly (readonly [name: string, make: (log: RaftLog) => Promise<unknown>])[] = [
  ['a save that needs a new segment', (log) => log.save({ entries: entriesFrom(21, 3, 1, 2500) })],
  ['a snapshot', (log) => log.createSnapshot({ index: 5, conf: dataOf(1, 1), data: dataOf(5, 1, 300) })],
  [
    'a snapshot from a leader',
    (log) => log.installSnapshot({ index: 50, term: 1, conf: dataOf(1, 1), data: dataOf(5, 1, 300) }),
  ],
];

describe('without a descriptor at one call', () => {
  test.each(ATTEMPTS)('%s is refused, and made once there is one', async (_name, make) => {
    let refusals = 0;
    for (const code of ['EMFILE', 'ENFILE']) {
      for (let nth = 1; nth <= 8; nth += 1) {
        const { disk, open } = simulated({ seed: nth });
        const log = await disk.queue.runUntil(open());
        await disk.queue.runUntil(log.save({ entries: entriesFrom(1, 20), hardState: { term: 1 } }));
        let isBack = false;
        log.events.on('space-back', () => {
          isBack = true;
        });
        let seen = 0;
        disk.onCall = ({ kind }) => {
          seen += NEEDS_DESCRIPTOR.has(kind) ? 1 : 0;
          return NEEDS_DESCRIPTOR.has(kind) && seen === nth ? { code } : undefined;
        };
        const error: unknown = await disk.queue.runUntil(
          make(log).then(
            () => null,
            (failure: unknown) => failure,
          ),
        );
        expect(log.status, `${code} at call ${nth}`).toBe('open');
        if (error !== null) {
          refusals += 1;
          expect(error).toMatchObject({ code: 'KEELSON_WRITE_FAILED', details: { systemCode: code } });
          await disk.queue.runUntilIdle(disk.queue.nowMs + 5000);
          expect(isBack, `${code} at call ${nth}`).toBe(true);
          await disk.queue.runUntil(make(log));
        }
        disk.onCall = null;
        const shown = [log.lastIndex, log.snapshot?.index];
        await disk.queue.runUntil(log.close());
        disk.crash('power');
        const again = await disk.queue.runUntil(open());
        expect([again.lastIndex, again.snapshot?.index]).toEqual(shown);
        await disk.queue.runUntil(again.close());
      }
    }
    expect(refusals).toBeGreaterThan(2);
  });
});

test.skipIf(process.platform === 'win32')('a log under a real limit goes on by itself', () => {
  const child = join(import.meta.dirname, 'descriptors-child.mjs');
  const limited = ['-c', 'ulimit -n 128; exec "$@"', 'sh', process.execPath, child];
  const said = execFileSync('sh', [...limited, BUILT, join(scratchDirectory(), 'log')], { encoding: 'utf8' });
  expect(JSON.parse(said)).toEqual({
    refused: ['KEELSON_WRITE_FAILED EMFILE'],
    status: 'open',
    lastIndex: 40,
    snapshot: 40,
  });
});
