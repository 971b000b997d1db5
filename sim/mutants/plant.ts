import { copyFile, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { rolldown } from 'rolldown';
import { type AnyPlan, parseAny } from '../cli/any-plan.js';
import type { Hunk, PlantedBug } from './planted-bug.js';

/** A patch that no longer applies: the code moved on, and the bug must be planted anew. */
export class PatchRefused extends Error {
  override readonly name = 'PatchRefused';
}

/** What is started of a copy, each by its path; all else is drawn in. */
const PROGRAMS = ['sim/cli/main', 'sim/cli/worker', 'sim/mutants/hunt-worker'];

const SCRIPTS = ['src/page/dom.browser.js', 'sim/cli/page/run-page.browser.js'];

/**
 * A folder of built copies of the sources, without bugs and with them: a few files each, since a search of a few seeds
 * takes less time than to import four hundred. The tree itself is only read.
 */
export class Nursery {
  readonly #root: string;
  readonly #folder: string;
  readonly #bundler: typeof rolldown;

  private constructor(root: string, folder: string, bundler: typeof rolldown) {
    this.#root = root;
    this.#folder = folder;
    this.#bundler = bundler;
  }

  /** @param root of the repository, with its `node_modules` */
  static async make(root: string): Promise<Nursery> {
    // Asked for here, since only who plants bugs needs it.
    const { rolldown } = await import('rolldown');
    const folder = await mkdtemp(join(tmpdir(), 'keelson-bugs-'));
    const nursery = new Nursery(root, folder, rolldown);
    await writeFile(join(folder, 'package.json'), '{"type":"module"}\n');
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    await nursery.#build(nursery.honest, new Map());
    return nursery;
  }

  /** The copy without any bug. */
  get honest(): string {
    return join(this.#folder, 'honest');
  }

  /** A copy with this bug; throws {@link PatchRefused} if it does not apply. Returns where it is. */
  async plant(bug: PlantedBug): Promise<string> {
    const patched = await patchedSources(this.#root, bug);
    const tree = join(this.#folder, `bug-${bug.number}`);
    try {
      await this.#build(tree, patched);
    } catch (cause) {
      throw new PatchRefused(
        `bug ${bug.number} (${bug.name}) leaves what cannot be built: ${String(cause)}`,
        {
          cause,
        },
      );
    }
    return tree;
  }

  /** Removes all copies. */
  async clear(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #build(tree: string, patched: ReadonlyMap<string, string>): Promise<void> {
    const texts = new Map([...patched].map(([file, text]) => [join(this.#root, file), text]));
    const unread = new Set(texts.keys());
    await using bundle = await this.#bundler({
      cwd: this.#root,
      input: Object.fromEntries(PROGRAMS.map((name) => [name, join(this.#root, `${name}.ts`)])),
      external: /^[^./]/,
      platform: 'node',
      plugins: [
        {
          name: 'planted bug',
          load: (id) => {
            unread.delete(id);
            return texts.get(id) ?? null;
          },
        },
      ],
    });
    await bundle.write({ dir: tree, format: 'esm', entryFileNames: '[name].js' });
    // What runs in a browser is read as text, from beside the program that makes the page.
    for (const script of SCRIPTS)
      await copyFile(join(this.#root, script), join(tree, 'sim/cli', basename(script)));
    const [first] = unread;
    if (first !== undefined) throw new Error(`${first} is no part of any program`);
  }
}

/** The sources that a bug changes, as they are with it in them; throws {@link PatchRefused} if it does not apply. */
export async function patchedSources(root: string, bug: PlantedBug): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const hunk of bug.hunks) {
    const before = texts.get(hunk.file) ?? (await readFile(join(root, hunk.file), 'utf8'));
    texts.set(hunk.file, applyHunk(before, hunk, bug));
  }
  return texts;
}

/** The plan that shows a bug. */
export async function readDirected(root: string, name: string): Promise<AnyPlan> {
  return parseAny(await readFile(join(root, 'sim/mutants/plans', name), 'utf8'));
}

function applyHunk(text: string, { file, find, put }: Hunk, { number, name }: PlantedBug): string {
  const [before, after, ...others] = text.split(find);
  if (before !== undefined && after !== undefined && others.length === 0) return before + put + after;
  const found = after === undefined ? 'not there' : 'there more than once';
  throw new PatchRefused(
    `bug ${number} (${name}) cannot be planted in ${file}: what it replaces is ${found}. ` +
      `The code has moved on; plant the bug anew in sim/mutants/bugs/. Looked for:\n${find}`,
  );
}
