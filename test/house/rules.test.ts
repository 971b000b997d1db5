/**
 * At stake: a rule that nobody finds in the code is a rule that the next change breaks. Tried by reading the documents
 * as a stranger does: each home, number and link that they give is followed.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

function filesBelow(folder: string, ending: string): readonly string[] {
  // Not what a build of the site has written into docs/site.
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending) && !/node_modules|^site[\\/]/.test(path))
    .map((path) => join(folder, path));
}

function cites(text: string, number: string): boolean {
  return new RegExp(`\\b${number}\\b`).test(text);
}

interface Home {
  readonly rule: string;
  readonly path: string;
}

/** What the line `Home:` below the heading of each rule names. */
function homesIn(page: string): readonly Home[] {
  return [...page.matchAll(/^### ([DR]\d+)$(?:\n(?!#).*)*?\nHome: (.*)$/gm)].flatMap(
    ([, rule = '', homes = '']) =>
      [...homes.matchAll(/`([\w/.-]+(?:\.ts|\/))`/g)].map(([, path = '']) => ({ rule, path: `src/${path}` })),
  );
}

const design = read('docs/design.md');
const assumptions = read('docs/assumptions.md');
const reliability = read('docs/reliability.md');
const sources = filesBelow('src', '.ts').map(read);
const rules = [...design.matchAll(/^### ([DR]\d+)$/gm)].map(([, rule = '']) => rule);
const homes = homesIn(design);
const numbers = [...assumptions.matchAll(/^\| \*\*(A\d+)\*\* /gm)].map(([, number = '']) => number);

describe('docs/design.md', () => {
  test('has every rule, in order', () => {
    const range = (letter: string): string[] => Array.from({ length: 12 }, (_, at) => `${letter}${at + 1}`);
    expect(rules).toEqual([...range('D'), ...range('R')]);
  });

  test('says of more than twenty rules where they live', () => {
    expect(new Set(homes.map(({ rule }) => rule)).size).toBeGreaterThan(20);
  });

  test('names no file of src that is not there', () => {
    const rooms = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((one) => one.isDirectory());
    const ofRoom = new RegExp(`\`((?:${rooms.map(({ name }) => name).join('|')})/[\\w/-]+\\.ts)\``, 'g');
    const named = [...design.matchAll(ofRoom)].map(([, path = '']) => path);
    expect(named.length).toBeGreaterThan(50);
    expect(named.filter((path) => !existsSync(join(root, 'src', path)))).toEqual([]);
  });

  test.each(homes)('$rule lives in $path, which cites it', ({ rule, path }) => {
    expect(existsSync(join(root, path)), path).toBe(true);
    if (statSync(join(root, path)).isFile()) expect(cites(read(path), rule), `${rule} in ${path}`).toBe(true);
  });

  test.each(rules)(
    'says which tests try %s, the one among them that sees a bug planted against it',
    (rule) => {
      const tests =
        new RegExp(`^### ${rule}$(?:\\n(?!#).*)*?\\nTried by: (.*)$`, 'm').exec(design)?.[1] ?? '';
      const paths = [...tests.matchAll(/`(test\/[\w/-]+\.test\.ts)`/g)].map(([, path = '']) => path);
      expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
      const seenBy = new RegExp(`^\\| ${rule} .*\\| \`(test/[\\w/-]+\\.test\\.ts)\``, 'm').exec(
        reliability,
      )?.[1];
      expect(paths).toContain(seenBy);
    },
  );

  test('leads a reader through files that there are', () => {
    const walks = design.split('\n').filter((line) => line.startsWith('- **') && line.includes(' → '));
    expect(walks).toHaveLength(4);
    const paths = [...walks.join().matchAll(/`([\w/-]+\.ts)`/g)].map(([, path = '']) => join('src', path));
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test('names each assumption by the number and the words of its page', () => {
    const named = [...assumptions.matchAll(/^\| \*\*(A\d+)\*\* +\| \*\*(.+?)\*\*/gm)];
    expect(named.length).toBe(numbers.length);
    for (const [, number = '', words = ''] of named)
      expect(design).toContain(`- **${number}** ${words.replace(/\.$/, '')}.`);
  });
});

test.each(numbers)('%s is cited where the code leans on it', (number) => {
  expect(sources.some((text) => cites(text, number))).toBe(true);
});

test('the code cites no rule and no assumption that there is not', () => {
  const known = new Set([...rules, ...numbers]);
  const cited = sources.flatMap((text) =>
    [...text.matchAll(/(?:^|[\s(*])([ADR]\d{1,2})(?=[\s:,.;)])/gm)].map(([, number = '']) => number),
  );
  expect(cited.length).toBeGreaterThan(100);
  expect(cited.filter((number) => !known.has(number))).toEqual([]);
});

const pages = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'].concat(
  filesBelow('docs', '.md'),
  filesBelow('examples', '.md'),
);

/** The ids that GitHub and the site give to the headings of a page. */
function headingIds(page: string): readonly string[] {
  return [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );
}

test.each(pages)('every link of %s leads somewhere, to a heading too', (page) => {
  const dead = [...read(page).matchAll(/\]\((?!https?:)([^)\s#]*)(?:#([^)]*))?\)/g)]
    .map(([, link = '', id]) => ({
      path: link === '' ? page : relative(root, join(root, dirname(page), link)),
      id,
    }))
    .filter(
      ({ path, id }) => !existsSync(join(root, path)) || (id !== undefined && !headingIds(path).includes(id)),
    );
  expect(dead).toEqual([]);
});

test('no file of the library needs import.meta, which a bundle of CommonJS does not have', () => {
  const needs = /^(?!\s*(\*|\/[/*])).*(import\.meta\b|createRequire)/m;
  // The kernel's lock is found without it too, only later: test/disk/kernel-lock.test.ts.
  const found = filesBelow('src', '.ts').filter(
    (path) => !/src\/(cli|page)\/|disk\/kernel-lock\.ts/.test(path) && needs.test(read(path)),
  );
  expect(found).toEqual([]);
});
