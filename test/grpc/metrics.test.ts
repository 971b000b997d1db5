// An alert is written from a page, so the page must say what there is, and no more.
// docs/metrics.md is held against the tables in the code, row by row, and a save is seen on its channel.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { DURATION_BUCKETS, METRICS } from '../../src/grpc/metrics-table.js';
import { createMemoryRaftLog } from '../../src/raft-log/memory/memory-raft-log.js';
import { CHANNEL_TEXTS } from '../../src/raft-log/state/channels.js';

const page = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| `keelson'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

test('the page says what the tables say', () => {
  const metrics = METRICS.map(({ name, kind, labels, help }) => {
    const named = labels.map((label) => `\`${label}\``).join(', ');
    return ['', `\`${name}\``, kind, named === '' ? '-' : named, help, ''];
  });
  const channels = Object.entries(CHANNEL_TEXTS).map(([event, text]) => [
    '',
    `\`keelson:${event}\``,
    text,
    '',
  ]);
  expect(rows).toEqual([...metrics, ...channels]);
  expect(page).toContain(DURATION_BUCKETS.join(', '));
});

test('a save is published on its channel, with the log that it is of', async () => {
  const told: unknown[] = [];
  const listener = (message: unknown): void => {
    told.push(message);
  };
  subscribe('keelson:sync', listener);
  onTestFinished(() => {
    unsubscribe('keelson:sync', listener);
  });
  const log = createMemoryRaftLog();
  await log.setHardState({ term: 1 });
  await log.close();
  expect(told).toMatchObject([{ log: 'memory', told: { lsn: 1, saves: 1 } }]);
});
