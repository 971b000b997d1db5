// One site out of the pages that are read on GitHub as they are: README.md, docs/, those beside the examples; and the API,
// which typedoc wrote to docs/site/api. What is shown needs no network.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { defineConfig } from 'vitepress';

const root = join(import.meta.dirname, '../../..');
const { version, description, homepage } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const repository = homepage.replace('#readme', '');

/** The pages of docs/ in the order of a reader, each by the name of its file. */
const CHAPTERS = {
  Guides: ['plugging-in', 'grpc', 'cli', 'backups', 'metrics', 'when-not', 'corrupting'],
  Contract: ['design', 'errors', 'format', 'assumptions', 'platforms', 'wire-conformance'],
  Proof: ['reliability', 'performance', 'simulator', 'simulating-your-own', 'simulator-power'],
};
const EXAMPLES = readdirSync(join(root, 'examples'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('README.md'))
  .sort();

const forgotten = readdirSync(join(root, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .filter((name) => !Object.values(CHAPTERS).flat().includes(name.slice(0, -'.md'.length)));
if (forgotten.length > 0) throw new Error(`no chapter of the site has ${forgotten.join(', ')}`);

export default defineConfig({
  title: 'Keelson',
  description,
  lang: 'en',
  srcDir: root,
  outDir: join(root, 'docs/site/out'),
  srcExclude: ['{bench,lab,sim,src,test,dist}/**', 'examples/demo/**', 'docs/site/*.md'],
  rewrites: { 'README.md': 'index.md', 'docs/site/api/:page(.*)': 'api/:page' },
  markdown: {
    // As GitHub makes them, so that a link to a heading leads to the same place on both.
    anchor: {
      slugify: (heading) =>
        heading
          .toLowerCase()
          .replace(/[^\p{L}\p{N}\s_-]/gu, '')
          .replace(/\s/g, '-'),
    },
    config: leadToRepository,
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guides', link: '/docs/plugging-in' },
      { text: 'Contract', link: '/docs/design' },
      { text: 'API', link: '/api/' },
      { text: `v${version}`, link: '/CHANGELOG' },
    ],
    sidebar: {
      '/': [
        { text: 'Keelson', link: '/' },
        ...Object.entries(CHAPTERS).map(([text, pages]) => ({
          text,
          items: pages.map((page) => itemOf(`docs/${page}.md`)),
        })),
        { text: 'Examples', items: EXAMPLES.map((path) => itemOf(`examples/${path}`)) },
        { text: 'Project', items: ['CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'].map(itemOf) },
      ],
      '/api/': JSON.parse(readFileSync(join(root, 'docs/site/api/typedoc-sidebar.json'), 'utf8')),
    },
    socialLinks: [{ icon: 'github', link: repository }],
  },
});

function itemOf(path) {
  const [, text] = /^# (.*)$/m.exec(readFileSync(join(root, path), 'utf8'));
  return { text: text.replaceAll('`', ''), link: `/${path}` };
}

/** A link to what is no page of the site, a source or a folder, leads to the repository as it was at this version. */
function leadToRepository(md) {
  md.core.ruler.push('repository', ({ tokens, env }) => {
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === 'link_open' ? token.attrGet('href') : null;
      if (href === null || /^(\w+:|#|\/)/.test(href) || /\.md(#|$)/.test(href)) continue;
      const path = relative(root, join(dirname(env.realPath ?? env.path), href));
      token.attrSet('href', `${repository}/blob/v${version}/${path}`);
    }
  });
}
