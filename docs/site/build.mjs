// Builds the site into docs/site/out: what it needs is installed by its own lock, typedoc writes the API, VitePress makes one
// site of that and of the pages, and each link of what came out is followed, to its heading.
//   npm run docs:site -- --base /keelson/    where it is not to stand at the root of its host
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { base: { type: 'string', default: '/' } } });
const here = import.meta.dirname;
const out = join(here, 'out');
const node = process.execPath;
const { version } = JSON.parse(readFileSync(join(here, '../../package.json'), 'utf8'));

if (timeOf('node_modules/.package-lock.json') < timeOf('package-lock.json'))
  run('npm', ['ci', '--prefix', 'docs/site']);
for (const made of ['api', 'out']) rmSync(join(here, made), { recursive: true, force: true });
run(node, [
  'node_modules/typedoc/bin/typedoc',
  '--options',
  'docs/site/typedoc.json',
  '--gitRevision',
  `v${version}`,
]);
run(node, ['docs/site/node_modules/vitepress/bin/vitepress.js', 'build', 'docs/site', '--base', values.base]);
const { followed, wrong } = followLinks();
for (const words of wrong) console.error(words);
console.log(
  `${followed} links followed, ${wrong.length} wrong. To read it: npx --prefix docs/site vitepress preview docs/site`,
);
process.exitCode = wrong.length > 0 ? 1 : 0;

function timeOf(path) {
  return statSync(join(here, path), { throwIfNoEntry: false })?.mtimeMs ?? -1;
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, {
    cwd: join(here, '../..'),
    stdio: 'inherit',
    shell: process.platform === 'win32' && command === 'npm',
  });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** Links to a page or a heading that is not there, and what a page would fetch from elsewhere. */
function followLinks() {
  const pages = new Map(
    readdirSync(out, { recursive: true })
      .filter((path) => path.endsWith('.html'))
      .map((path) => [values.base + path.replaceAll('\\', '/'), readFileSync(join(out, path), 'utf8')]),
  );
  const wrong = [];
  let followed = 0;
  for (const [path, html] of pages) {
    for (const [tag] of html.matchAll(/<(?:script|link|img)\b[^>]*(?:src|href)="(?:https?:)?\/\/[^>]*>/g))
      wrong.push(`${path} fetches ${tag}`);
    for (const [, href] of html.matchAll(/<a\b[^>]*?\shref="([^"]*)"/g)) {
      followed += 1;
      const { host, pathname, hash } = new URL(href, `http://site${path}`);
      const target = pages.get(decodeURI(pathname.replace(/\/$/, '/index.html')));
      const id = decodeURIComponent(hash.slice(1));
      if (host === 'site' && (target === undefined || (id !== '' && !target.includes(` id="${id}"`))))
        wrong.push(`${path} leads to ${href}, which is not there`);
    }
  }
  return { followed, wrong };
}
