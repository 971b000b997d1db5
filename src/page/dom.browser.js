// What the scripts of all pages begin with. Every value is put in as text, never as HTML.
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId('data').textContent);

const make = (space) => (tag, attributes, parts) => {
  const element = document.createElementNS(space, tag);
  for (const [name, value] of Object.entries(attributes ?? {})) element.setAttribute(name, String(value));
  element.append(...(parts ?? []).filter((part) => part !== null && part !== undefined));
  return element;
};
const h = make('http://www.w3.org/1999/xhtml');
const s = make('http://www.w3.org/2000/svg');

const termColour = (term) => `var(--t${term === undefined ? 0 : ((term - 1) % 7) + 1})`;

/** Keys that lead along what is in order; where something is written or chosen they have their own meaning. */
function onKeys(move) {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SUMMARY)$/.test(event.target.tagName))
      return;
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity }[
      event.key
    ];
    if (steps === undefined) return;
    event.preventDefault();
    move(steps);
  });
}
