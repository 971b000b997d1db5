// At night an operator opens the map of a store, hostile or broken as it may be, in a browser that has more than that to
// lose. Pages are made by the built command of stores that are whole, hurt and large, taken apart, and shown.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { StoreMap } from '../../src/cli/map/store-map.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { hasBrowser, inBrowser, skippedWithout } from '../page/browser.js';
import { HOSTILE, parsed } from '../page/parsed.js';
import { scratch } from '../raft-log/scratch-log.js';
import { entriesOf, flipBit, keelson, madeStore, segmentOf, zero } from './stores.js';

interface Told {
  readonly segments: readonly {
    readonly number: number;
    readonly seal: string;
    readonly torn: string | null;
    readonly holes: readonly object[];
    readonly damage: readonly { readonly offset: number }[];
    readonly cells: readonly { readonly at: number; readonly from: number; readonly untilIndex: number }[];
    readonly hex: readonly string[];
  }[];
  readonly termRuns: readonly { readonly term: string; readonly from: number; readonly until: number }[];
  readonly commit: number;
}

async function pageOf(dir: string, ...flags: readonly string[]) {
  const path = join(scratch(), 'store.html');
  const { code } = await keelson('inspect', dir, '--html', path, ...flags);
  const page = readFileSync(path, 'utf8');
  const { data, ...rest } = parsed(page);
  return { code, path, page, told: data as Told, ...rest };
}

test('shows segments, terms and snapshots, and of the entries only the bytes that are asked for', async () => {
  const dir = await madeStore({ hasSnapshot: true });
  const { code, page, told, textOf } = await pageOf(dir);
  expect(code).toBe(0);
  expect(textOf('h1')).toBe(`${dir} is sound`);
  expect(told.termRuns).toEqual([
    { term: '1', from: expect.any(Number) as number, until: 31 },
    { term: '3', from: 31, until: 61 },
  ]);
  expect(told.commit).toBe(57);
  expect(told.segments.at(-1)?.seal).toBe('absent');
  expect(told.segments[0]?.seal).toBe('whole');
  const payload = Buffer.from('entry ').toString('hex');
  expect(page).not.toContain(payload);
  expect(told.segments.flatMap(({ hex }) => hex).every((hex) => hex.startsWith('4b46'))).toBe(true);
  expect((await pageOf(dir, '--bytes', '64')).page).toContain(payload);
});

test('shows damage and a torn tail in their places', async () => {
  const dir = await madeStore();
  flipBit(segmentOf(dir, 2), 3000);
  const sound = (await pageOf(dir)).told.segments.at(-1);
  const last = sound?.cells.findLast(({ from, untilIndex }) => untilIndex > from);
  zero(segmentOf(dir, sound?.number ?? 0), (last?.at ?? 0) + 200, 8192);
  const { code, told, textOf } = await pageOf(dir);
  expect(code).toBe(1);
  expect(textOf('h1')).toBe(`${dir} is damaged`);
  expect(textOf('header pre')).toContain(`keelson repair ${dir} --plan`);
  const hurt = told.segments.find(({ number }) => number === 2);
  expect([hurt?.holes.length, hurt?.damage.length]).toEqual([1, 1]);
  expect(hurt?.damage[0]?.offset).toBeLessThanOrEqual(3000);
  expect(told.segments.at(-1)?.torn).toEqual(expect.any(String));
});

test('a store of any size has a page of bounded size, in which all its frames are counted', () => {
  const map = new StoreMap();
  const base = { firstLsn: 1, recordCount: 1, epoch: 1, headerBytes: 50, payloadBytes: 50 };
  for (let number = 0; number < 40; number += 1)
    for (let frame = 0; frame < 500; frame += 1) {
      const from = number * 500 + frame + 1;
      const term = 1 + Math.floor(from / 10_000);
      const header = { ...base, from, until: from + 1, lowTerm: term, highTerm: term };
      map.add({ header, offset: 512 + frame * 100, path: String(number) } as never);
    }
  expect(map.segments).toHaveLength(32);
  expect(map.segments.at(-1)?.path).toBe('39');
  for (const { cells } of map.segments) {
    expect(cells.length).toBeLessThanOrEqual(128);
    expect(cells.reduce((sum, { frames }) => sum + frames, 0)).toBe(500);
    expect([cells[0]?.at, cells.at(-1)?.until]).toEqual([512, 50_512]);
  }
  expect(map.termRuns.at(-1)).toEqual({ term: '3', from: 20_000, until: 20_001 });
});

test.skipIf(!hasBrowser)(`${skippedWithout}is moved over by keys, and hostile names stay names`, async () => {
  const dir = join(scratch(), 'log');
  const log = await openRaftLog({ dir });
  const stable = { [HOSTILE.slice(0, 60)]: Buffer.from('v') };
  await log.save({ hardState: { term: 1, vote: HOSTILE.slice(0, 90) }, stable, entries: entriesOf(1, 4, 1) });
  await log.close();
  const { path, count } = await pageOf(dir);
  expect([count('script'), count('img')]).toEqual([2, 0]);
  const wrong = await inBrowser(path, async (page) => {
    expect(await page.title()).toBe(`${dir}: sound`);
    await page.keyboard.press('ArrowRight');
    expect(await page.locator('#bytes').innerText()).toContain('entries 1..3, term 1');
    expect(await page.locator('#bytes pre').innerText()).toContain('4b 46 01');
    await page.keyboard.press('End');
    expect(await page.locator('[data-cell]').count()).toBeGreaterThan(0);
  });
  expect(wrong).toEqual([]);
});

test('a page that cannot be written is told as a wrong command line', async () => {
  const dir = await madeStore();
  const { code, stderr } = await keelson('inspect', dir, '--html', join(dir, 'none', 'x.html'));
  expect(code).toBe(2);
  expect(stderr).toContain('cannot be written: ENOENT');
});
