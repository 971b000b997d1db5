// Draws a run and moves through it.
const { rows, moments, lanes, isCluster } = data;

/** Shape by kind: what it is must be seen without its colour, too. `[path, is filled, name, group]` */
const KINDS = {
  op: ['M-5-5H5L0 5Z', true, 'operation', 'plan'],
  fault: ['M2-7L-5 1H-1L-2 7L5-1H1Z', true, 'fault', 'faults and crashes'],
  crash: ['M-6-6L6 6M6-6L-6 6', false, 'crash', 'faults and crashes'],
  start: ['M-4-6L6 0L-4 6Z', false, 'start', 'faults and crashes'],
  open: ['M-4-6L6 0L-4 6Z', true, 'opened', 'faults and crashes'],
  lead: ['M-7 5L-7-5L-3 0L0-6L3 0L7-5L7 5Z', true, 'elected', 'elections'],
  save: ['M-5-5H5V5H-5Z', false, 'save issued', 'saves'],
  saved: ['M-5-5H5V5H-5Z', true, 'acknowledged', 'saves'],
  refused: ['M-5-5H5V5H-5ZM-5-5L5 5', false, 'refused', 'saves'],
  fail: ['M-5-5H5V5H-5ZM-5 5L5-5', false, 'store failed', 'saves'],
  send: ['M-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0', true, 'message sent', 'messages'],
  take: ['M-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0', false, 'message taken', 'messages'],
  write: ['M0-5V5', false, 'write', 'writes and names'],
  name: ['M-4 4H4M0 4V-4', false, 'name', 'writes and names'],
  sync: ['M0-7L5 0L0 7L-5 0Z', true, 'sync', 'syncs'],
  call: ['M-2-2L2 2', false, 'other call', 'writes and names'],
  note: ['M-4 0H4', false, 'note', 'plan'],
  found: ['M-3-8H3L8-3V3L3 8H-3L-8 3V-3Z', true, 'rule broken', 'plan'],
};
const FIXED = new Set(['found', 'crash', 'start', 'open', 'op', 'lead']);
const groupOf = ({ kind, text }) =>
  (kind === 'send' || kind === 'take') && text.includes('heartbeat') ? 'heartbeats' : KINDS[kind][3];

// The term in which a lane stands at each moment, and whether it runs.
const terms = [];
const isUp = [];
const [running, alive] = [lanes.map(() => undefined), lanes.map(() => true)];
for (const { lane, term, kind } of moments) {
  if (term !== undefined && kind !== 'take') running[lane] = term;
  if (kind === 'crash' || kind === 'fail' || kind === 'open') alive[lane] = kind === 'open';
  terms.push([...running]);
  isUp.push([...alive]);
}

const shown = new Set(Object.values(KINDS).map((kind) => kind[3]));
if (isCluster) shown.delete('writes and names');
const groups = [...new Set(moments.map(groupOf))];
const indexInput = h('input', { type: 'number', min: 1, size: 6, id: 'index', style: 'width:6rem' });
let cursor = data.found ?? moments.length - 1;
let visible = [];

function isShown(moment) {
  if (moment.kind === 'found') return true;
  const index = Number(indexInput.value);
  if (index > 0) {
    const { span, kind } = moment;
    return span === undefined ? FIXED.has(kind) : index >= span[0] && index < span[1];
  }
  return shown.has(groupOf(moment));
}

const STEP = 16;
const ROW = 46;
const LABEL = 130;
/** More marks than this make a browser slow: then those around the cursor are drawn. */
const DRAWN_MAX = 1500;

function draw() {
  const all = moments.flatMap((moment, at) => (isShown(moment) || at === cursor ? [at] : []));
  const middle = Math.max(0, all.indexOf(cursor));
  const first = Math.max(0, Math.min(middle - DRAWN_MAX / 2, all.length - DRAWN_MAX));
  visible = all.slice(first, first + DRAWN_MAX);
  const place = new Map(visible.map((at, column) => [at, LABEL + 14 + column * STEP]));
  const width = LABEL + 40 + visible.length * STEP;
  const height = rows.length * ROW + 34;
  const y = (row) => 24 + row * ROW + ROW / 2;
  const parts = rows.map((name, row) =>
    s('rect', { x: 0, y: 24 + row * ROW, width, height: ROW, fill: row % 2 ? 'var(--bg)' : 'var(--card)' }),
  );
  if (isCluster) parts.push(...termBands(place, y));
  parts.push(...clocks(place, height));
  for (const at of visible) {
    const moment = moments[at];
    const x = place.get(at);
    const from = place.get(moment.since);
    if (from !== undefined && moment.kind !== 'send')
      parts.push(tie(moments[moment.since], moment, from, x, y));
    if (moment.kind === 'crash' && !isCluster)
      parts.push(
        s('line', { x1: x, x2: x, y1: 24, y2: height - 10, stroke: 'var(--bad)', 'stroke-dasharray': '2 4' }),
      );
    if (moment.kind === 'found')
      parts.push(
        s('line', { x1: x, x2: x, y1: 8, y2: height - 8, stroke: 'var(--bad)', 'stroke-width': 3 }),
        s('text', { x: x - 6, y: 12, 'text-anchor': 'end', style: 'fill:var(--bad);font-weight:700' }, [
          'rule broken here ▸',
        ]),
      );
  }
  for (const at of visible) parts.push(markOf(at, place.get(at), y(moments[at].row)));
  parts.push(
    s('rect', {
      id: 'here',
      y: 18,
      width: STEP,
      height: height - 24,
      fill: 'none',
      stroke: 'var(--focus)',
      'stroke-width': 2,
      rx: 4,
    }),
  );
  const picture = s(
    'svg',
    {
      width,
      height,
      role: 'img',
      'aria-label': `${visible.length} moments on ${rows.length} lines; the slider below goes through them`,
    },
    parts,
  );
  const labels = rows.map((name, row) =>
    s('text', { x: 10, y: y(row) + 4, style: 'font-weight:600' }, [name]),
  );
  const head = s(
    'svg',
    {
      width: LABEL,
      height,
      style: 'position:sticky;left:0;background:var(--bg);border-right:1px solid var(--line);flex:none',
      'aria-hidden': true,
    },
    labels,
  );
  picture.style.marginLeft = `-${LABEL}px`;
  byId('lanes').replaceChildren(h('div', { style: `display:flex;width:${width}px` }, [head, picture]));
  head.style.zIndex = 1;
}

/** A node's term as a band under its marks, with its number at each change and now and then; a gap: it is down. */
function termBands(place, y) {
  return lanes.flatMap((_, lane) => {
    const parts = [];
    let begun = null;
    visible.forEach((at, column) => {
      const term = isUp[at][lane] ? terms[at][lane] : undefined;
      const isLast = column === visible.length - 1;
      if (begun !== null && (term !== begun.term || isLast || column - begun.column >= 20)) {
        const x = begun.x - STEP / 2;
        const width = place.get(at) - begun.x + (isLast ? STEP : 0);
        const text = s('text', { x: x + 2, y: y(lane) + 12, style: 'font-size:9px' }, [`term ${begun.term}`]);
        parts.push(s('rect', { x, y: y(lane) + 13, width, height: 7, fill: termColour(begun.term) }), text);
        begun = null;
      }
      if (begun === null && term !== undefined) begun = { term, column, x: place.get(at) };
    });
    return parts;
  });
}

function clocks(place, height) {
  return visible
    .filter((_, column) => column % 10 === 0)
    .map((at) =>
      s('text', { x: place.get(at), y: height - 2, class: 'dim', 'text-anchor': 'middle' }, [
        `${moments[at].ms} ms`,
      ]),
    );
}

function tie(from, to, x1, x2, y) {
  const isMessage = to.kind === 'take';
  const colour = isMessage ? termColour(to.term) : 'var(--dim)';
  const dash = to.kind === 'refused' ? '3 3' : 'none';
  return s('line', {
    x1,
    x2,
    y1: y(from.row),
    y2: y(to.row),
    stroke: colour,
    'stroke-width': isMessage ? 1.4 : 3,
    'stroke-dasharray': dash,
    opacity: isMessage ? 0.8 : 0.45,
  });
}

function markOf(at, x, y) {
  const { kind, term, text } = moments[at];
  const [path, isFilled] = KINDS[kind];
  const isBad =
    kind === 'crash' || kind === 'found' || kind === 'fault' || kind === 'refused' || kind === 'fail';
  const colour = isBad ? 'var(--bad)' : term === undefined ? 'var(--fg)' : termColour(term);
  const isLost = kind === 'send' && !taken.has(at);
  const mark = s('path', {
    d: path,
    fill: isFilled ? colour : 'var(--bg)',
    stroke: colour,
    'stroke-width': kind === 'crash' ? 3 : 1.8,
  });
  const stub = isLost ? s('path', { d: 'M0 0L6 10M3 12L9 8', stroke: colour, fill: 'none' }) : null;
  const label = term !== undefined && !isCluster && (kind === 'save' || kind === 'saved');
  const number = label
    ? s('text', { y: 18, 'text-anchor': 'middle', style: 'font-size:9px' }, [`t${term}`])
    : null;
  const box = s('rect', { x: -STEP / 2, y: -ROW / 2, width: STEP, height: ROW, fill: 'transparent' });
  const title = s('title', {}, [`${KINDS[kind][2]}: ${text}${isLost ? ' (never taken)' : ''}`]);
  return s('g', { transform: `translate(${x} ${y})`, 'data-at': at, style: 'cursor:pointer' }, [
    title,
    box,
    mark,
    stub,
    number,
  ]);
}
const taken = new Set(
  moments.flatMap(({ kind, since }) => (kind === 'take' && since !== undefined ? [since] : [])),
);

function go(to, keepsView) {
  cursor = Math.max(0, Math.min(moments.length - 1, to));
  if (!visible.includes(cursor)) draw();
  const column = visible.indexOf(cursor);
  const x = LABEL + 14 + column * STEP;
  byId('here').setAttribute('x', x - STEP / 2);
  const frame = byId('lanes');
  if (keepsView !== true || x < frame.scrollLeft + LABEL || x > frame.scrollLeft + frame.clientWidth - STEP)
    frame.scrollLeft = x - LABEL - (frame.clientWidth - LABEL) * 0.6;
  const { kind, lane, ms, text, ops } = moments[cursor];
  const words = `Moment ${cursor + data.left + 1} of ${moments.length + data.left}, ${ms} ms, ${lanes[lane]}: ${KINDS[kind][2]}. `;
  byId('cursor').value = cursor;
  byId('cursor').setAttribute('aria-valuetext', words + text);
  byId('now').replaceChildren(
    h('b', kind === 'found' ? { class: 'bad' } : {}, [words]),
    h('span', { class: 'mono' }, [text]),
  );
  const step = Math.min(ops, data.ops);
  byId('fork').replaceChildren(
    'Go on from here, another way: ',
    h('code', {}, [`${data.fork} ${step} --seeds 1..20`]),
  );
  drawDisks();
  drawList(column);
}

/** What is known of each disk at the cursor: what was told since the beginning, put together. */
function disksAt() {
  const disks = lanes.map((_, lane) => ({
    files: { ...data.files[lane] },
    held: data.held[lane],
    isUp: null,
  }));
  for (const { lane, files, held } of moments.slice(0, cursor + 1)) {
    const disk = disks[lane];
    for (const [path, strip] of Object.entries(files ?? {})) {
      if (strip === null) delete disk.files[path];
      else disk.files[path] = strip;
    }
    if (held !== undefined) disk.held = held;
  }
  return disks;
}

function drawDisks() {
  const cards = disksAt().flatMap(({ files, held }, lane) => {
    const paths = Object.keys(files).sort();
    if (paths.length === 0) return [];
    const [first, ...others] = held;
    const state = isUp[cursor][lane] ? 'up' : 'down';
    const term = terms[cursor][lane];
    return [
      h('section', { class: 'card' }, [
        h('h3', {}, [`${lanes[lane]}: ${state}${term === undefined ? '' : `, term ${term}`}`]),
        first === undefined ? null : h('p', { class: 'mono' }, [h('b', {}, ['acknowledged ']), first]),
        ...others.map((other) => h('p', { class: 'mono dim' }, [h('b', {}, ['or, after a crash ']), other])),
        ...paths.map((path) => fileOf(path, files[path])),
      ]),
    ];
  });
  byId('disks').replaceChildren(...cards);
}

/** Two strips, of the cache and of the platter: frames, and under them the sectors that hold something. */
function fileOf(path, { cache, platter, signs, frames }) {
  const sectors = [...signs.matchAll(/([.=*+-])(\d+)/g)].map(([, sign, count]) => [sign, Number(count)]);
  const isSame = !/[*+-]/.test(signs) && cache === platter;
  const sizes = isSame
    ? `${cache} bytes, all durable`
    : `cache ${cache ?? 'has no such name'}, durable ${platter ?? 'under no name'}${/[*+-]/.test(signs) ? ', not alike' : ''}`;
  const style = { class: isSame ? 'dim' : 'bad' };
  const name = h('div', {}, [
    h('span', { class: 'mono' }, [path]),
    ' ',
    h(isSame ? 'span' : 'b', style, [sizes]),
  ]);
  if (isSame && frames.length === 0) return name;
  const strips = [1, 2].flatMap((where, row) =>
    stripOf(where, row * 22, Math.max(1, cache ?? 0, platter ?? 0), sectors, frames),
  );
  const told = frames.map(
    (frame) =>
      `; ${frameText(frame)}, ${['', 'in the cache alone', 'on the disk alone', 'on both'][frame[5]]}`,
  );
  const text = `${path}: ${sizes}${told.join('')}`;
  return h('div', {}, [
    name,
    s('svg', { width: '100%', height: 42, role: 'img', 'aria-label': text }, strips),
  ]);
}

function stripOf(where, y, bytes, sectors, frames) {
  const share = (at) => `${((at / bytes) * 92).toFixed(2)}%`;
  const total = sectors.reduce((sum, [, count]) => sum + count, 0);
  const parts = [s('rect', { x: 0, y, width: '92%', height: 18, fill: 'var(--bg)', stroke: 'var(--line)' })];
  let at = 0;
  for (const [sign, count] of sectors) {
    const x = share((at / total) * bytes);
    const isThere = ['', '=*+', '=*-'][where].includes(sign);
    const fill = sign === '=' ? 'var(--dim)' : 'var(--bad)';
    if (isThere)
      parts.push(s('rect', { x, y: y + 14, width: share((count / total) * bytes), height: 4, fill }));
    at += count;
  }
  for (const frame of frames) {
    const [from, length, low, until, term, mask] = frame;
    if ((mask & where) === 0) continue;
    const name = until <= low ? '' : `${until === low + 1 ? low : `${low}..${until - 1}`} t${term}`;
    const box = s('rect', {
      x: share(from),
      y: y + 1,
      width: share(length),
      height: 12,
      fill: termColour(term),
      opacity: 0.6,
      stroke: 'var(--bg)',
    });
    const label =
      (length / bytes) * 420 > name.length * 6
        ? s('text', { x: share(from), dx: 2, y: y + 11, style: 'font-size:10px' }, [name])
        : null;
    parts.push(s('g', {}, [s('title', {}, [frameText(frame)]), box, label]));
  }
  return [...parts, s('text', { x: '93%', y: y + 12, class: 'dim' }, [where === 1 ? 'cache' : 'disk'])];
}

const frameText = ([from, length, low, until, term]) =>
  `${until <= low ? 'no entries' : `entries ${low}..${until - 1}`} of term ${term}, ${length} bytes at ${from}`;

function drawList(column) {
  const near = visible.slice(Math.max(0, column - 8), column + 9);
  const head = h(
    'tr',
    {},
    ['moment', 'ms', 'where', 'what', ''].map((name) => h('th', { scope: 'col' }, [name])),
  );
  const lines = near.map((at) => {
    const { ms, lane, row, kind, text } = moments[at];
    const where = isCluster ? lanes[lane] : rows[row];
    const to = h('button', { class: 'link', 'data-go': at }, [`${at + data.left + 1}`]);
    const cells = [to, `${ms}`, where, KINDS[kind][2]].map((cell) => h('td', {}, [cell]));
    return h('tr', { 'aria-current': at === cursor }, [...cells, h('td', { class: 'mono' }, [text])]);
  });
  byId('list').replaceChildren(head, ...lines);
}

function drawLegend() {
  const kinds = Object.keys(KINDS).filter((kind) => moments.some((moment) => moment.kind === kind));
  const items = kinds.map((kind) => {
    const [path, isFilled, name] = KINDS[kind];
    const mark = s('path', {
      d: path,
      fill: isFilled ? 'var(--fg)' : 'none',
      stroke: 'var(--fg)',
      'stroke-width': 1.8,
    });
    const icon = s(
      'svg',
      {
        viewBox: '-9 -9 18 18',
        width: 16,
        height: 16,
        style: 'display:inline;vertical-align:-3px',
        'aria-hidden': true,
      },
      [mark],
    );
    return h('span', { style: 'margin-right:1.1rem;white-space:nowrap' }, [icon, ` ${name}`]);
  });
  const strips =
    'In a file: above the cache, below what is durable; frames with their indexes, coloured by term; under them the sectors that hold something, red where cache and disk differ.';
  byId('legend').replaceChildren(h('p', {}, items), h('p', {}, [strips]));
}

for (const group of groups) {
  const box = h('input', { type: 'checkbox', ...(shown.has(group) ? { checked: '' } : {}) });
  box.addEventListener('change', () => {
    if (box.checked) shown.add(group);
    else shown.delete(group);
    draw();
    go(cursor);
  });
  byId('filter').append(h('label', {}, [box, ` ${group}`]));
}
byId('filter').append(h('label', {}, ['only entry ', indexInput]));
indexInput.addEventListener('input', () => {
  draw();
  go(cursor);
});
byId('cursor').addEventListener('input', (event) => go(Number(event.target.value)));
document.addEventListener('click', (event) => {
  const to = event.target.closest?.('[data-at],[data-go]');
  if (to === null || to === undefined) return;
  const isMark = to.hasAttribute('data-at');
  go(Number(to.getAttribute(isMark ? 'data-at' : 'data-go')), isMark);
  if (!isMark && to.closest('ol')) byId('timeline').scrollIntoView();
});
onKeys((steps) => {
  const column = visible.indexOf(cursor) + steps;
  go(visible[Math.max(0, Math.min(visible.length - 1, column))], true);
});
drawLegend();
draw();
go(cursor);
