// A chart that hides a missed goal misleads whoever trusts it. Runs as --json prints them are drawn and taken apart again,
// and where there is a browser, shown.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type BenchRun, chartPage } from '../../bench/chart.js';
import { ratioAtLeast, ratioAtMost, type Row } from '../../bench/row.js';
import { hasBrowser, inBrowser, skippedWithout } from '../page/browser.js';
import { HOSTILE, parsed } from '../page/parsed.js';
import { scratch } from '../raft-log/scratch-log.js';

const row: Row = {
  work: 'one saver, 1 x 256 B',
  unit: 'entries/s',
  keelson: 4200,
  reference: { name: 'raw', value: 4800 },
  ratio: 0.88,
  budget: ratioAtLeast(0.85),
};
const rows: readonly Row[] = [
  row,
  { ...row, work: 'an open', ratio: 1.6, budget: ratioAtMost(1.5) },
  { ...row, reference: { name: 'lmdb', value: 100 }, ratio: 42 },
  { ...row, work: HOSTILE, reference: { name: HOSTILE, value: 1 } },
  { ...row, work: 'memory', ratio: NaN, budget: { of: 'figure', sense: 'at most', value: 48 } },
];
const run: BenchRun = { schemaVersion: 1, node: 'v22', platform: 'linux', cpus: 2, rounds: 11, rows };

test('each ratio stands beside its goal, missed ones first of all, and all figures in a table', () => {
  const page = chartPage(run);
  const { textOf, count } = parsed(page);
  expect(textOf('h1')).toBe('2 of 5 goals missed');
  expect(count('tbody tr')).toBe(5);
  const chart = textOf('svg');
  for (const part of ['0.88 kept', '1.60 missed', '42.00 kept', 'one saver, 1 x 256 B  |  lmdb'])
    expect(chart).toContain(part);
  expect(chart).not.toContain('memory');
  expect(textOf('table')).toContain('memory');
  expect([count('img'), count('script')]).toEqual([0, 2]);
  expect(parsed(chartPage({ ...run, rows: [] })).text).toContain('Nothing was measured');
});

test.skipIf(!hasBrowser)(`${skippedWithout}a chart is shown, light and dark`, async () => {
  const path = join(scratch(), 'chart.html');
  await writeFile(path, chartPage(run));
  const wrong = await inBrowser(path, async (page) => {
    expect(await page.title()).toBe('Keelson bench: 2 of 5 goals missed');
    expect(await page.locator('svg circle, svg path').count()).toBeGreaterThan(3);
  });
  expect(wrong).toEqual([]);
});
