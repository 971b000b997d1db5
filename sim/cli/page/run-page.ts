import { type Html, markup, pageOf } from '../../../src/page/html.js';
import { quoted } from '../../../src/page/quoted.js';
import type { AnyFailure, AnyPlan, AnyResult } from '../any-plan.js';
import { planText } from '../plan-text.js';
import { bounded } from './bounded-story.js';
import type { Moment, RunStory } from './run-story.js';
import { type Split, type Verdict, verdictOf } from './verdict.js';

/** A run, and where its plan lies. */
export interface ToldRun {
  readonly plan: AnyPlan;
  /** The file of the plan, as commands on the page name it. */
  readonly file: string;
  readonly result: AnyResult;
  readonly story: RunStory;
}

/** What a reader of the chain is told of a moment beside its text. */
const WORDS: Readonly<Partial<Record<Moment['kind'], string>>> = {
  op: 'operation',
  saved: 'acknowledged',
  lead: 'elected',
  open: 'opened',
  start: 'starts',
};

/** A run as one page: first what is wrong and how it came, then all that happened, moment by moment. */
export function runPage({ plan, file, result, story }: ToldRun): string {
  const { failure } = result;
  const verdict = failure === null ? null : verdictOf(plan, failure, story);
  const { moments, rows, files, held, left } = bounded(story);
  const replay = `npm run sim -- --plan ${quoted(file)}`;
  const title = verdict === null ? 'All promises were kept' : `Broken: ${verdict.rule}`;
  return pageOf({
    title,
    script: new URL('./run-page.browser.js', import.meta.url),
    data: {
      rows,
      moments,
      files,
      held,
      left,
      lanes: story.lanes,
      ops: plan.ops.length,
      fork: `${replay} --from`,
      isCluster: plan.profile === 'cluster',
      found: verdict === null ? null : verdict.moment - left,
    },
    body: markup`<main>
${verdict === null || failure === null ? kept(result) : broken(verdict, failure, story)}
${beside(verdict?.compared ?? null)}
<h2>Replay it</h2>
<p><code>${replay}</code></p>
<details><summary>The plan: ${plan.ops.length} operations, ${plan.faults.length} faults, seed ${plan.seed}</summary>
<pre>${planText(plan)}</pre></details>
${verdict === null ? null : chainOf(verdict, story, left)}
<h2 id="timeline">Timeline</h2>
<p class="dim">Each step to the right is one moment, whatever time it took. Choose one with a click, with the slider or with the
arrow keys; Home and End go to the ends.${left === 0 ? null : ` The first ${String(left)} moments are left out: the page would be too large.`}</p>
<fieldset id="filter"><legend>Show</legend></fieldset>
<div class="scroll" id="lanes" tabindex="-1"></div>
<p><input type="range" id="cursor" min="0" max="${moments.length - 1}" value="0" aria-label="Moment"></p>
<div id="legend" class="dim"></div>
<h2>At this moment</h2>
<p id="now" role="status" aria-live="polite"></p>
<p class="dim" id="fork"></p>
<div class="beside" id="disks"></div>
<h2>Moments around it</h2>
<table id="list"></table>
<noscript><p>The timeline is drawn by a script of this page.</p></noscript>
</main>`,
  });
}

function kept({ ops, crashes, calls, virtualMs }: AnyResult): Html {
  return markup`<header class="verdict"><h1>All promises were kept</h1>
<p>${ops} operations, ${crashes} crashes, ${calls} calls of the disk, ${(virtualMs / 1000).toFixed(1)} seconds of virtual time.</p></header>`;
}

function broken(verdict: Verdict, { what, by, found }: AnyFailure, { moments }: RunStory): Html {
  const { rule, meaning, moment, nodes, entries, compared } = verdict;
  return markup`<header class="verdict bad"><h1>Broken: ${rule}</h1>
<p><b>${meaning}</b></p>
<p>${what}</p>
<dl>
${nodes.length === 0 ? null : markup`<dt>Node</dt><dd>${nodes.join(', ')}</dd>`}
${entries === null ? null : markup`<dt>Entry</dt><dd>${entries}</dd>`}
${compared === null && found !== undefined ? markup`<dt>Found</dt><dd>${found}</dd>` : null}
<dt>While</dt><dd>${by}</dd>
<dt>Noticed at</dt><dd>moment ${moment + 1} of ${moments.length}, ${moments[moment]?.ms ?? 0} ms</dd>
</dl></header>`;
}

function beside(compared: Verdict['compared']): Html | null {
  if (compared === null) return null;
  const { acknowledged, found, others } = compared;
  const line = ([same, different, rest]: Split): Html =>
    markup`<p class="mono">${same}<mark>${different === '' ? '(it ends here)' : different}</mark>${rest}</p>`;
  const more = markup`<details><summary>${others.length} more would have been right</summary>
<ul>${others.map((other) => markup`<li class="mono">${other}</li>`)}</ul></details>`;
  return markup`<h2>Acknowledged, and found</h2>
<div class="beside"><section class="card"><h3>Acknowledged</h3>${line(acknowledged)}${others.length === 0 ? null : more}</section>
<section class="card"><h3>Found</h3>${line(found)}</section></div>
<p class="dim">Marked: the first difference. <i>terms 1x5 2x2</i>: five entries of term 1, then two of term 2; behind <i>#</i> stands a checksum of all that is in them.</p>`;
}

function chainOf({ chain }: Verdict, { moments, lanes }: RunStory, left: number): Html {
  const item = (number: number): Html => {
    const { lane, ms, text, kind } = moments[number] as Moment;
    const of = lanes.length === 1 ? '' : `${lanes[lane] ?? ''}: `;
    const word =
      kind === 'found' ? markup`<b class="bad">rule broken</b>` : markup`<b>${WORDS[kind] ?? kind}</b>`;
    const place = `${String(number + 1)}, ${String(ms)} ms`;
    const link =
      number < left ? place : markup`<button class="link" data-go="${number - left}">${place}</button>`;
    return markup`<li><span class="dim">${link}</span> ${word} ${of}${text}</li>`;
  };
  return markup`<h2>How it came to this</h2><ol class="chain">${chain.map(item)}</ol>`;
}
