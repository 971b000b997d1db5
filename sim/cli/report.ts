import { unreachedIn, type Summary } from './tally.js';

/** The figures of a search as a page of its own, without anything from elsewhere. */
export function reportPage(summary: Summary): string {
  const { profile, seeds, scenarios, crashes, failures, traceHash, seconds, virtualSeconds } = summary;
  const rows = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(
        ([name, count]) => `<tr${count === 0 ? ' class="none"' : ''}><td>${name}</td><td>${count}</td></tr>`,
      )
      .join('\n');
  const failed = summary.failed
    .map(({ seed, oracle, what }) => `<li>seed ${seed}: <b>${oracle}</b> ${escape(what)}</li>`)
    .join('\n');
  const unreached = unreachedIn(profile, summary.faults, summary.reach);
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Simulator: ${failures === 0 ? 'clean' : `${failures} found`}</title>
<style>body{font:15px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}
td{padding:0 1rem 0 0;border-bottom:1px solid #ddd}td+td{text-align:right}.none{color:#b00}
main{display:grid;grid-template-columns:1fr 1fr;gap:2rem}</style>
<h1>${failures === 0 ? 'Clean' : `${failures} found`}</h1>
<p>Profile ${profile}, seeds ${seeds.from}..${seeds.until - 1}: ${scenarios} scenarios, ${crashes} crashes, ${virtualSeconds} virtual seconds in ${seconds} s. Trace hash ${traceHash}.</p>
<ul>${failed}</ul>
<p>${unreached.length === 0 ? 'Everything was reached.' : `Never reached: ${unreached.join(', ')}.`}</p>
<main><section><h2>Faults and what they left</h2><table>${rows(summary.faults)}</table></section>
<section><h2>Branches of the store</h2><table>${rows(summary.reach)}</table></section></main></html>
`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
