// A failing run must be understood by who has never seen it, and its page shown by any browser, whatever stands in it.
// Runs are watched, drawn and taken apart again, as text, by a parser, and where there is one in a real browser.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type AnyPlan, runAny } from '../../sim/cli/any-plan.js';
import { forkPlan } from '../../sim/cli/fork-plan.js';
import { runPage, type ToldRun } from '../../sim/cli/page/run-page.js';
import { RunStory } from '../../sim/cli/page/run-story.js';
import { shivizText } from '../../sim/cli/page/shiviz.js';
import { drawClusterPlan } from '../../sim/cluster/draw-cluster-plan.js';
import { drawPlan } from '../../sim/plan/draw-plan.js';
import { hasBrowser, inBrowser, skippedWithout } from '../page/browser.js';
import { HOSTILE, parsed } from '../page/parsed.js';
import { scratch } from '../raft-log/scratch-log.js';

const PAGE_BYTES_MAX = 2_000_000;

const known = new Map<AnyPlan, Promise<ToldRun>>();

/** The run of a plan, and a story of its own that may be told further. */
async function told(plan: AnyPlan): Promise<ToldRun> {
  const once = known.get(plan) ?? watched(plan);
  known.set(plan, once);
  const run = await once;
  const story = new RunStory();
  for (const lane of run.story.lanes) story.lanes.push(lane);
  for (const moment of run.story.moments) story.moments.push(moment);
  return { ...run, story };
}

async function watched(plan: AnyPlan): Promise<ToldRun> {
  const story = new RunStory();
  return { plan, file: 'plan.json', result: await runAny(plan, 0, story), story };
}

/** The run as it would be told had an oracle found `found` at its end. */
function failed(
  run: ToldRun,
  found: string,
  what = 'n2 recovered a log that breaks its promises: entry 6 is nothing',
): ToldRun {
  const { story, result } = run;
  story.lane('judge', null, () => [])(`found ${what}`, { kind: 'found' });
  const expected = ['term 2, vote n1, commit 5; entries 1..7 (terms 1x5 2x2); no snapshot', 'another state'];
  const failure = { oracle: 'recovered-state', by: 'put 7', what, expected, found, stack: '' };
  return { ...run, result: { ...result, failure } };
}

const store = drawPlan(4, 'disk');
const STORE: AnyPlan = { ...store, ops: store.ops.slice(0, 12) };
const cluster = drawClusterPlan(3);
const CLUSTER: AnyPlan = {
  ...cluster,
  config: { ...cluster.config, spanMs: 6000 },
  ops: cluster.ops.slice(0, 12),
};

describe('a run that is watched', () => {
  test.each([
    ['of a store', STORE],
    ['of a cluster', CLUSTER],
  ])('%s is the same, and is told from its first operation to its end', async (_name, plan) => {
    const { story, result } = await told(plan);
    expect((await runAny(plan)).traceHash).toBe(result.traceHash);
    const kinds = new Set(story.moments.map(({ kind }) => kind));
    expect([...kinds]).toEqual(
      expect.arrayContaining(['op', 'save', 'saved', 'write', 'sync', 'crash', 'open']),
    );
    const saved = story.moments.find(({ kind }) => kind === 'saved');
    expect(story.moments[saved?.since ?? -1]?.kind).toBe('save');
    // What waits for a sync is told as that, until its sync.
    const isSettled = new Set<boolean>();
    for (const { kind, path = '', files } of story.moments) {
      const signs = files?.[path]?.signs;
      if (signs !== undefined && (kind === 'write' || kind === 'sync')) isSettled.add(!/[*+-]/.test(signs));
      if (signs !== undefined && kind === 'sync') expect(signs).not.toMatch(/[*+-]/);
    }
    expect(isSettled).toEqual(new Set([false, true]));
  });

  test('goes to ShiViz with clocks that only rise, and in which each message was sent before it was taken', async () => {
    const { story } = await told(CLUSTER);
    const [pattern = '', , ...lines] = shivizText(story).trimEnd().split('\n');
    expect(() => new RegExp(pattern)).not.toThrow();
    const clocks = new Map<string, number>();
    let joined = 0;
    for (let at = 0; at < lines.length; at += 2) {
      const [, host = '', clock = '{}'] = /^(\S+) (\{.*\})$/.exec(lines[at] ?? '') ?? [];
      const counts = JSON.parse(clock) as Record<string, number>;
      expect(counts[host]).toBe((clocks.get(host) ?? 0) + 1);
      clocks.set(host, counts[host] ?? 0);
      for (const [other, count] of Object.entries(counts))
        expect(count).toBeLessThanOrEqual(clocks.get(other) ?? 0);
      if (Object.keys(counts).length > 1) joined += 1;
    }
    expect(joined).toBeGreaterThan(0);
  });
});

describe('the page of a run', () => {
  test('says first which rule, node and entry, and shows what was acknowledged beside what was found', async () => {
    const found = 'term 2, vote n1, commit 5; entries 1..5 (terms 1x5); no snapshot';
    const page = runPage(failed(await told(CLUSTER), found));
    expect(page.length).toBeLessThan(PAGE_BYTES_MAX);
    const { textOf, count } = parsed(page);
    expect(textOf('h1')).toBe('Broken: recovered-state');
    for (const part of [
      'What a node recovered is not what it had promised',
      'n2',
      'put 7',
      'entries 6..7, acknowledged',
    ])
      expect(textOf('header')).toContain(part);
    expect(textOf('.card mark')).toBe('entries 1..7 (terms 1x5 2x2); ');
    expect(count('mark')).toBe(2);
    expect(count('ol.chain li')).toBeGreaterThan(3);
    expect(page).toContain('npm run sim -- --plan plan.json');
  });

  test('holds the end of a run that is too long for it, and says how much it leaves out', async () => {
    const run = await told(STORE);
    const text = 'x'.repeat(400);
    const tell = run.story.lane('more', null, () => []);
    for (let at = 0; at < 6000; at += 1) tell(text, { kind: 'note' });
    const page = runPage(run);
    expect(page.length).toBeLessThan(PAGE_BYTES_MAX);
    const { data, text: shown } = parsed(page);
    const { left, files } = data as { left: number; files: object[] };
    expect(left).toBeGreaterThan(0);
    expect(Object.keys(files[0] ?? {})).toContain('/data/log/superblock');
    expect(shown).toContain(`The first ${String(left)} moments are left out`);
  });

  test('shows hostile names as what they are', async () => {
    const run = failed(await told(CLUSTER), HOSTILE, HOSTILE);
    const page = runPage({ ...run, file: HOSTILE });
    const { count, textOf, data } = parsed(page);
    expect([count('script'), count('img')]).toEqual([2, 0]);
    expect(textOf('header')).toContain("<script>document.title='taken'</script>");
    for (const sign of ['\u202e', '\u0000']) expect(page).not.toContain(sign);
    expect((data as { fork: string }).fork).toContain('</script>');
  });

  test.skipIf(!hasBrowser)(
    `${skippedWithout}goes from moment to moment by keys, clicks and the slider`,
    async () => {
      const path = join(scratch(), 'run.html');
      await writeFile(path, runPage(failed(await told(CLUSTER), HOSTILE, `n2: ${HOSTILE}`)));
      const wrong = await inBrowser(path, async (page) => {
        const now = (): Promise<string> => page.locator('#now').innerText();
        expect(await page.title()).toBe('Broken: recovered-state');
        expect(await now()).toContain('rule broken');
        await page.keyboard.press('ArrowLeft');
        expect(await now()).not.toContain('rule broken');
        await page.keyboard.press('Home');
        expect(await now()).toContain('Moment 1 of');
        await page.locator('#cursor').press('ArrowRight');
        expect(await now()).toContain('Moment 2 of');
        expect(await page.locator('#cursor').getAttribute('aria-valuetext')).toContain('Moment 2 of');
        await page.locator('ol.chain button').last().click();
        expect(await now()).toContain('rule broken');
        expect(await page.locator('#disks .card').count()).toBeGreaterThan(2);
        const marks = await page.locator('#lanes g').count();
        await page.locator('#index').fill('1');
        expect(await page.locator('#lanes g').count()).toBeLessThan(marks);
      });
      expect(wrong).toEqual([]);
    },
  );
});

test('a plan is continued from a moment as another seed draws it', async () => {
  for (const [from, whole] of [
    [10, STORE],
    [5, CLUSTER],
  ] as const) {
    const [one, other] = [forkPlan(whole, from, 1), forkPlan(whole, from, 2)];
    expect(one.ops.slice(0, from)).toEqual(whole.ops.slice(0, from));
    expect(one.ops.slice(from)).not.toEqual(other.ops.slice(from));
    expect(new Set(one.ops.map(({ id }) => id)).size).toBe(one.ops.length);
    expect((await runAny({ ...one, ops: one.ops.slice(0, 15) } as AnyPlan)).failure).toBeNull();
  }
});
