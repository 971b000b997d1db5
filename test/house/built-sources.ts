import { readdirSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { rolldown } from 'rolldown';
import type { Plugin } from 'vitest/config';
import type { TestProject } from 'vitest/node';

/*
 * Tests import the sources, and run them as Node runs the package: built, by Node's own imports. Module by module
 * through Vite, each file of tests took a second to load what it tries, and each call across modules went through a
 * getter.
 */

const ROOT = join(import.meta.dirname, '..', '..');
/** The variable that tells the plugin, in whichever copy of this module, where the build lies. */
const PLACE = 'KEELSON_BUILT_SOURCES';

/** Folders of what is built lie in those of the system for what is temporary, and begin so. */
const PREFIX = 'keelson-built-';

/** The command lines and pages stay as they are: they start workers, and read scripts, by paths of their own. */
function isBuilt(path: string): boolean {
  return /^(src|sim)\/(?!cli\/|page\/|mutants\/).*\.(js|ts)$/.test(path);
}

/** Vitest's global setup: builds the sources once for a run, with maps that lead failures back to their lines. */
export default async function buildSources({
  config,
}: TestProject): Promise<(() => Promise<void>) | undefined> {
  // Who watches sees each change at once, and takes the time that this takes.
  if (config.watch || process.env[PLACE] !== undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), PREFIX));
  process.env[PLACE] = folder;
  await writeFile(join(folder, 'package.json'), '{"type":"module"}\n');
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await writeBundle(folder);
  return () => rm(folder, { recursive: true, force: true });
}

async function writeBundle(folder: string): Promise<void> {
  const files = ['src', 'sim']
    .flatMap((top) =>
      readdirSync(join(ROOT, top), { recursive: true, encoding: 'utf8' }).map((name) =>
        join(top, name).replaceAll(sep, '/'),
      ),
    )
    .filter(isBuilt);
  await using bundle = await rolldown({
    cwd: ROOT,
    // Every module stays a file, if only of a line that exports from where its room was drawn together.
    input: Object.fromEntries(files.map((file) => [file.slice(0, -'.ts'.length), join(ROOT, file)])),
    external: /^[^./]/,
    platform: 'node',
  });
  await bundle.write({
    dir: folder,
    format: 'esm',
    sourcemap: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'bundle/[name].js',
    codeSplitting: {
      groups: [
        { name: 'src', test: /\/src\// },
        { name: 'sim', test: /\/sim\// },
      ],
    },
  });
}

/** Leads imports of sources to what was built of them; where nothing was, Vite takes the sources as ever. */
export function builtSources(): Plugin {
  return {
    name: 'keelson:built-sources',
    enforce: 'pre',
    // Outside Vite: Node imports it, and the built command line.
    config: () => ({ test: { server: { deps: { external: [new RegExp(PREFIX), /\/dist\/src\//] } } } }),
    resolveId(id, importer) {
      const folder = process.env[PLACE];
      if (folder === undefined || importer === undefined || !id.startsWith('.')) return null;
      const path = relative(ROOT, resolve(dirname(importer), id)).replaceAll(sep, '/');
      return isBuilt(path) ? join(folder, path) : null;
    },
  };
}
