import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { Html, markup, pageOf } from '../src/page/html.js';
import { isWithinBudget, type Row } from './row.js';
import { cellsOf, HEADINGS, isNumeric } from './table.js';

/** A run as `--json` prints it. */
export interface BenchRun {
  readonly schemaVersion: 1;
  readonly node: string;
  readonly platform: string;
  readonly cpus: number;
  readonly rounds: number;
  readonly rows: readonly Row[];
}

/** A run as one page: each ratio with its goal, by work, and all figures in a table. */
export function chartPage({ node, platform, cpus, rounds, rows }: BenchRun): string {
  const goals = rows.filter(({ budget }) => budget !== null);
  const missed = goals.filter((row) => !isWithinBudget(row)).length;
  const verdict = missed === 0 ? 'every goal kept' : `${missed} of ${goals.length} goals missed`;
  const drawn = goals.filter(
    ({ ratio, budget }) => ratio > 0 && Number.isFinite(ratio) && budget?.of === 'ratio',
  );
  // In order of their works, each with all that it was measured beside.
  const works = [...new Set(drawn.map(({ work }) => work))];
  const byWork = works.flatMap((work) => drawn.filter((row) => row.work === work));
  return pageOf({
    title: `Keelson bench: ${verdict}`,
    body: markup`<main><header class="verdict${missed === 0 ? '' : ' bad'}"><h1>${verdict}</h1>
<p>Node ${node}, ${platform}, ${cpus} cores; medians of ${rounds} interleaved rounds. Ratios of one run compare; figures of two do not.</p></header>
<h2>Ratios, by work and what it is measured beside</h2>${chartOf(byWork)}
<h2>All figures</h2>${tableOf(rows)}</main>`,
  });
}

/** As it is without a browser: its own types are of the DOM. */
const plot = Plot.plot as unknown as (options: object) => { readonly outerHTML: string };

/** Pixels, of the font that the labels are in; rather too many than too few. */
const CHARACTER_WIDTH = 7;

const name = ({ work, reference }: Row): string => `${work}  |  ${reference.name}`;

/** A bar from 1, where both are alike, to the ratio; a line where the goal is, and in words whether it was kept. */
function chartOf(rows: readonly Row[]): Html {
  if (rows.length === 0) return markup`<p class="dim">Nothing was measured.</p>`;
  const { document } = parseHTML('<html><body></body></html>') as { readonly document: unknown };
  const bars = (isKept: boolean, colour: string): Plot.Markish[] => {
    const some = rows.filter((row) => isWithinBudget(row) === isKept);
    const options = { y: name, x: 'ratio', stroke: colour };
    const says = ({ ratio }: Row): string => `${ratio.toFixed(2)} ${isKept ? 'kept' : 'missed'}`;
    return [
      Plot.ruleY(some, { y: name, x1: 1, x2: 'ratio', stroke: colour, strokeWidth: 6, strokeOpacity: 0.45 }),
      Plot.dot(some, {
        ...options,
        symbol: isKept ? 'circle' : 'times',
        r: 6,
        strokeWidth: 2.5,
        fill: isKept ? colour : 'none',
      }),
      Plot.text(some, {
        y: name,
        text: says,
        frameAnchor: 'right',
        dx: 85,
        fill: colour,
        fontWeight: 'bold',
      }),
    ];
  };
  const chart = plot({
    document,
    ariaLabel: 'Ratios and their goals; the table below has the same figures',
    width: 1100,
    marginLeft: 20 + CHARACTER_WIDTH * Math.max(0, ...rows.map((row) => name(row).length)),
    marginBottom: 45,
    marginRight: 110,
    height: rows.length * 44 + 65,
    style: { fontSize: '13px', background: 'none' },
    x: {
      type: 'log',
      grid: true,
      label: 'Keelson by the reference (log)',
      labelOffset: 40,
      tickFormat: '~g',
      nice: true,
    },
    y: { label: null, domain: rows.map(name) },
    marks: [
      Plot.ruleX([1]),
      ...bars(true, 'var(--ok)'),
      ...bars(false, 'var(--bad)'),
      Plot.tickX(rows, {
        y: name,
        x: ({ budget }: Row) => budget?.value,
        stroke: 'currentColor',
        strokeWidth: 2.5,
        strokeDasharray: '4 3',
      }),
    ],
  });
  const legend = markup`<p class="dim">Dashed: the goal. Bar: from 1, where both are alike, to the ratio measured.</p>`;
  return markup`<div class="scroll">${new Html(chart.outerHTML)}</div>${legend}`;
}

function tableOf(rows: readonly Row[]): Html {
  const head = HEADINGS.map((name) => markup`<th scope="col">${name}</th>`);
  const lines = rows.map((row) => {
    const cells = cellsOf(row).map(
      (cell, at) => markup`<td${isNumeric(at) ? markup` class="n"` : null}>${cell}</td>`,
    );
    return markup`<tr>${cells}</tr>`;
  });
  return markup`<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${lines}</tbody></table></div>`;
}
