import { markup, type Html, pageOf } from '../../page/html.js';
import type { LogSurvey } from '../../raft-log/repair/survey-log.js';
import type { FoundDamage } from '../../raft-log/verify-report.js';
import type { HeldSpace } from '../space.js';
import { bytesText, entriesText, type Line } from '../text.js';
import { bytesOf, type StoreMap } from './store-map.js';

/** What the page tells, beside the map. */
export interface ToldStore {
  readonly dir: string;
  readonly survey: LogSurvey;
  readonly map: StoreMap;
  /** Facts by name, as the command prints them. */
  readonly facts: readonly (readonly [string, string])[];
  readonly holders: readonly HeldSpace[];
  readonly commit: number;
  /** What to do about damage; empty where there is none. */
  readonly advice: readonly Line[];
  /** Bytes of what a frame covers that may stand in the page, of each box. */
  readonly payloadBytes: number;
}

/**
 * A store as one page: its facts, the terms of its log, and its segments to scale. Of entries it holds no byte but the
 * `payloadBytes` that were asked for.
 */
export function storePage(told: ToldStore): string {
  const { dir, survey, map, facts, holders, commit, advice, payloadBytes } = told;
  const { store, damages, blemishes, snapshots } = survey;
  const places = [...damages, ...blemishes].map(({ path, offset, reason }) => ({ path, offset, reason }));
  const segments = store.segments.flatMap((segment) => {
    const mapped = map.segments.find(({ path }) => path === segment.path);
    if (mapped === undefined && segment.fileBytes !== null && segment.frames > 0) return [];
    const { number, path, fileBytes, seal, framesUntil, sealedLsn, tear } = segment;
    const holes = segment.holes.map(({ offset, untilOffset, reason }) => ({ offset, untilOffset, reason }));
    const cells = mapped === undefined ? [] : mapped.cells;
    const hex = mapped === undefined ? [] : bytesOf(mapped, payloadBytes);
    const damage = places.filter((place) => place.path === path);
    const torn = tear?.reason ?? null;
    return [{ number, path, fileBytes, seal, framesUntil, sealedLsn, torn, holes, cells, hex, damage }];
  });
  const left = store.segments.length - segments.length;
  const isSound = damages.length === 0;
  return pageOf({
    title: `${dir}: ${isSound ? 'sound' : 'damaged'}`,
    script: new URL('./store-page.browser.js', import.meta.url),
    data: {
      segments,
      termRuns: map.termRuns,
      commit,
      snapshots: snapshots.map(({ index, term }) => ({ index, term })),
      provenLsn: store.proven.lsn,
      payloadBytes,
    },
    body: markup`<main><header class="verdict${isSound ? '' : ' bad'}"><h1>${dir} is ${isSound ? 'sound' : 'damaged'}</h1>
${damages.length === 0 ? null : markup`<ul>${damages.map(damageOf)}</ul>${adviceOf(advice)}`}</header>
${isSound ? null : markup`<p class="dim">The state below is that of the last stretch that can be read.</p>`}
<dl>${facts.map(([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
${spaceOf(holders)}
<h2>Terms of the log</h2><div id="terms" class="scroll"></div>
<h2>Segments</h2>
<p class="dim">To scale. Choose a box with a click or with the arrow keys to see its bytes.
${left === 0 ? null : ` Between the oldest and the newest ${String(left)} segments are not drawn.`}</p>
<div id="legend" class="dim"></div><div id="map"></div>
<section class="card" role="status" aria-live="polite" id="bytes"><p class="dim">No frame is chosen.</p></section>
<h2>Snapshots</h2>${snapshotsOf(survey)}
${blemishes.length === 0 ? null : markup`<h2>Notes</h2><ul>${blemishes.map(({ path, offset, reason }) => markup`<li><code>${path}</code> at ${offset}: ${reason}</li>`)}</ul>`}
<noscript><p>The map is drawn by a script of this page.</p></noscript></main>`,
  });
}

function damageOf({ code, path, offset, reason, entries, canOpen }: FoundDamage): Html {
  const lost = entries.until > entries.from ? ` Cannot be read: ${entriesText(entries)}.` : '';
  return markup`<li><b>${code}</b> <code>${path}</code> at byte ${offset}: ${reason}.${lost} A server
${canOpen ? 'opens the store all the same' : 'does not open the store'}.</li>`;
}

function adviceOf(advice: readonly Line[]): Html {
  const words = advice.map((line) => (typeof line === 'string' ? line : line.text)).join('\n');
  return markup`<pre>${words}</pre>`;
}

/** Who holds the space, each with its share of all. */
function spaceOf(holders: readonly HeldSpace[]): Html | null {
  const total = holders.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total === 0) return null;
  const lines = holders.map(({ kind, bytes, frees }) => {
    const bar = markup`<meter min="0" max="${total}" value="${bytes}">${Math.round((100 * bytes) / total)} %</meter>`;
    return markup`<tr><td>${kind}</td><td>${bar}</td><td class="n">${bytesText(bytes)}</td><td>${frees}</td></tr>`;
  });
  return markup`<h2>What holds the space</h2><table><tr><th>what</th><th>share</th><th class="n">bytes</th><th>freed by</th></tr>${lines}</table>`;
}

function snapshotsOf({ snapshots, named }: LogSurvey): Html {
  if (snapshots.length === 0) return markup`<p>None.</p>`;
  const lines = snapshots.map(({ index, term, path, fileBytes, damage }) => {
    const isNamed = named !== null && index === named.index && term === named.term;
    const state =
      damage === null ? (isNamed ? 'in use' : 'kept') : markup`<b class="bad">damaged: ${damage.message}</b>`;
    return markup`<tr><td class="n">${index}</td><td class="n">${term}</td><td class="n">${bytesText(fileBytes)}</td><td>${state}</td><td><code>${path}</code></td></tr>`;
  });
  return markup`<table><tr><th class="n">index</th><th class="n">term</th><th class="n">size</th><th>state</th><th>file</th></tr>${lines}</table>`;
}
