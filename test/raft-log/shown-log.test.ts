/**
 * A log that is printed, or that stands in the message of an assertion that failed, must say what it is in a few lines. Each
 * kind of log is shown by Node's own inspection, open, closed and failed views included.
 */
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { createMemoryRaftLog } from '../../src/raft-log/memory/memory-raft-log.js';
import { entriesFrom, openLog, scratch } from './scratch-log.js';

async function judge(log: RaftLog, more: readonly string[]): Promise<void> {
  const empty = inspect(log);
  expect(empty).toContain('lastIndex: 0');
  await log.save({ hardState: { term: 2, vote: 'n1' }, entries: entriesFrom(1, 3, 2, 1000) });
  await log.setHardState({ commit: 2 });
  await log.createSnapshot({ index: 2, conf: Buffer.alloc(60_000), data: Buffer.from('state') });
  const accepted = inspect(log.accepted);
  expect(accepted).toMatch(/^AcceptedView \{[^]*lastIndex: 3[^]*vote: 'n1'/);
  for (const status of [`'open'`, `'closed'`]) {
    const text = inspect(log, { depth: 10 });
    expect(text).toMatch(/^RaftLog \{/);
    for (const part of [`status: ${status}`, `{ term: 2, vote: 'n1', commit: 2 }`, 'index: 2', ...more])
      expect(text).toContain(part);
    expect(text.length).toBeLessThan(500);
    expect(inspect({ log }, { colors: true })).toContain('RaftLog');
    await log.close();
  }
  expect(inspect(log.accepted)).toBe(accepted);
  expect(Object.getOwnPropertySymbols({ ...log.accepted })).toEqual([]);
}

test('a log on a disk', async () => {
  const dir = join(scratch(), 'log');
  await judge(await openLog(dir), [`dir: '${dir}'`]);
});

test('a log in memory', () => judge(createMemoryRaftLog(), [`dir: 'memory'`]));
