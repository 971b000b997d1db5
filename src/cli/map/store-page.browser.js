// Draws the segments of a store to scale, and shows the bytes of what is chosen.
const { segments, termRuns, commit, snapshots, provenLsn, payloadBytes } = data;
const WIDTH = 92;
const percent = (part, whole) => `${((part / Math.max(1, whole)) * WIDTH).toFixed(3)}%`;
const largest = segments.reduce((most, { fileBytes }) => Math.max(most, fileBytes ?? 0), 1);
const cells = segments.flatMap((segment, row) =>
  segment.cells.map((cell, at) => ({ cell, segment, row, at })),
);
let chosen = -1;

const entriesOf = ({ from, untilIndex }) =>
  untilIndex <= from
    ? 'no entries'
    : untilIndex === from + 1
      ? `entry ${from}`
      : `entries ${from}..${untilIndex - 1}`;
const termsOf = ({ lowTerm, highTerm }) =>
  lowTerm === highTerm ? `term ${lowTerm}` : `terms ${lowTerm}..${highTerm}`;

function drawTerms() {
  const first = termRuns[0]?.from ?? 0;
  const until = termRuns[termRuns.length - 1]?.until ?? 0;
  const x = (index) => percent(index - first, until - first);
  const parts = termRuns.flatMap(({ term, from, until: end }) => {
    const share = (end - from) / (until - first);
    const title = s('title', {}, [`term ${term}: entries ${from}..${end - 1}`]);
    const box = s('rect', {
      x: x(from),
      y: 18,
      width: percent(end - from, until - first),
      height: 22,
      fill: termColour(Number.parseInt(term, 10)),
      opacity: 0.6,
      stroke: 'var(--bg)',
    });
    const label = share > 0.04 ? s('text', { x: x(from), dx: 4, y: 33 }, [`term ${term}`]) : null;
    return [s('g', {}, [title, box, label])];
  });
  const marks = [[commit, 'commit'], ...snapshots.map(({ index }) => [index, 'snapshot'])];
  for (const [index, name] of marks) {
    if (index < first || index >= until) continue;
    const at = x(index + 1);
    parts.push(s('line', { x1: at, x2: at, y1: 12, y2: 46, stroke: 'var(--fg)', 'stroke-width': 2 }));
    parts.push(
      s('text', { x: at, y: name === 'commit' ? 10 : 58, 'text-anchor': 'middle' }, [`${name} ${index}`]),
    );
  }
  const text = termRuns.map(({ term, from, until: end }) => `term ${term}: ${from}..${end - 1}`).join('; ');
  const picture = s('svg', { width: '100%', height: 62, role: 'img', 'aria-label': text }, parts);
  byId('terms').replaceChildren(
    until > first ? picture : h('p', { class: 'dim' }, ['No entry can be read.']),
  );
}

function segmentOf(
  { number, fileBytes, seal, framesUntil, sealedLsn, torn, holes, damage, cells: boxes },
  row,
) {
  const size = fileBytes ?? 0;
  const x = (at) => percent(at, largest);
  const parts = [
    s('rect', {
      x: 0,
      y: 14,
      width: percent(size, largest),
      height: 26,
      fill: 'var(--card)',
      stroke: 'var(--line)',
    }),
  ];
  const offset = cells.findIndex((each) => each.row === row);
  let named = '';
  boxes.forEach((cell, at) => {
    const { at: from, until, lastLsn, frames } = cell;
    const isProven = lastLsn <= provenLsn;
    const title = s('title', {}, [
      `${entriesOf(cell)}, ${termsOf(cell)}, ${frames} frame(s) at byte ${from}${isProven ? '' : ', behind the last mark'}`,
    ]);
    const none = cell.untilIndex <= cell.from;
    const box = s('rect', {
      x: x(from),
      y: 16,
      width: percent(until - from, largest),
      height: 22,
      fill: none ? 'var(--t0)' : termColour(cell.lowTerm),
      opacity: 0.65,
      stroke: isProven ? 'var(--bg)' : 'var(--fg)',
      'stroke-dasharray': isProven ? 'none' : '2 2',
    });
    const isNew = !none && termsOf(cell) !== named;
    if (isNew) named = termsOf(cell);
    const label = isNew
      ? s('text', { x: x(from), y: 50, style: 'font-size:9px' }, [`${named}, from ${cell.from}`])
      : null;
    parts.push(s('g', { 'data-cell': offset + at, style: 'cursor:pointer' }, [title, box, label]));
  });
  if (seal === 'whole')
    parts.push(
      s('g', {}, [
        s('title', {}, [`seal, up to LSN ${sealedLsn}`]),
        s('rect', {
          x: x(framesUntil),
          y: 16,
          width: percent(Math.max(size - framesUntil, 0), largest),
          height: 22,
          fill: 'var(--dim)',
          opacity: 0.35,
        }),
        s('text', { x: x(size), dx: 4, y: 31 }, ['sealed']),
      ]),
    );
  const bad = [
    ...holes.map(({ offset: from, untilOffset, reason }) => [from, untilOffset - from, `hole: ${reason}`]),
    ...(torn === null ? [] : [[framesUntil, 0, `torn tail: ${torn}`]]),
    ...damage
      .filter(({ offset: from }) => !holes.some((hole) => hole.offset === from))
      .map(({ offset: from, reason }) => [from, 0, reason]),
    ...(seal === 'bad' ? [[framesUntil, size - framesUntil, 'the seal is not whole']] : []),
  ];
  for (const [from, bytes, reason] of bad) {
    const title = s('title', {}, [`byte ${from}: ${reason}`]);
    const box = s('rect', {
      x: x(from),
      y: 12,
      width: percent(bytes, largest),
      height: 30,
      fill: 'var(--badbg)',
      stroke: 'var(--bad)',
      'stroke-width': 3,
      style: 'min-width:3px',
    });
    parts.push(
      s('g', {}, [
        title,
        box,
        s('text', { x: x(from), y: 10, style: 'fill:var(--bad);font-weight:700' }, [
          `✖ ${reason.slice(0, 90)}`,
        ]),
      ]),
    );
  }
  if (fileBytes === null)
    parts.push(s('text', { x: 4, y: 31, style: 'fill:var(--bad);font-weight:700' }, ['✖ missing']));
  const text = [
    `segment ${number}`,
    fileBytes === null ? 'missing' : `${fileBytes} bytes`,
    seal === 'whole' ? 'sealed' : 'not sealed',
    `${boxes.length} boxes`,
    ...bad.map(([from, , reason]) => `at byte ${from}: ${reason}`),
  ].join(', ');
  return h('div', {}, [
    h('h3', {}, [`Segment ${number}`, h('span', { class: 'dim' }, [` ${size} bytes`])]),
    s('svg', { width: '100%', height: 54, role: 'img', 'aria-label': text }, parts),
  ]);
}

function choose(to) {
  if (cells.length === 0) return;
  chosen = Math.max(0, Math.min(cells.length - 1, to));
  const { cell, segment, at } = cells[chosen];
  for (const box of document.querySelectorAll('[data-cell] rect')) box.removeAttribute('style');
  const box = document.querySelector(`[data-cell="${chosen}"] rect`);
  box.setAttribute('style', 'stroke:var(--focus);stroke-width:4;stroke-dasharray:none');
  const hex = segment.hex[at];
  const lines = [];
  for (let byte = 0; byte < hex.length / 2; byte += 16) {
    const part = hex.slice(byte * 2, byte * 2 + 32);
    const pairs = part.match(/../g) ?? [];
    const signs = pairs.map((pair) => {
      const code = Number.parseInt(pair, 16);
      return code > 31 && code < 127 ? String.fromCharCode(code) : '·';
    });
    lines.push(`${String(cell.at + byte).padStart(10)}  ${pairs.join(' ').padEnd(48)}  ${signs.join('')}`);
  }
  const rest = cell.until - cell.at - hex.length / 2;
  byId('bytes').replaceChildren(
    h('h3', {}, [`${entriesOf(cell)}, ${termsOf(cell)}`]),
    h('p', {}, [
      `Segment ${segment.number}, bytes ${cell.at}..${cell.until - 1}: ${cell.frames} frame${cell.frames === 1 ? '' : 's'}, records ${cell.firstLsn}..${cell.lastLsn}, epoch ${cell.epoch}. ${cell.lastLsn <= provenLsn ? 'Known to be durable by a mark.' : 'Behind the last mark.'}`,
    ]),
    h('pre', { tabindex: 0 }, [lines.join('\n')]),
    h('p', { class: 'dim' }, [
      `The header of the first frame and ${payloadBytes} bytes of what it covers, as asked for; ${rest} more bytes are in the file.`,
    ]),
  );
}

byId('legend').replaceChildren(
  h('p', {}, [
    'A box is a frame, or frames in a row where there are many, coloured and named by term; grey: no entries. Dashed: behind the last mark, so that only the next open proves it. Red with ✖: damage, a hole or a torn tail. Behind the frames: the seal, or zeros.',
  ]),
);
drawTerms();
byId('map').replaceChildren(...segments.map(segmentOf));
document.addEventListener('click', (event) => {
  const cell = event.target.closest?.('[data-cell]');
  if (cell) choose(Number(cell.getAttribute('data-cell')));
});
onKeys((steps) => choose(chosen < 0 && Number.isFinite(steps) ? 0 : chosen + steps));
