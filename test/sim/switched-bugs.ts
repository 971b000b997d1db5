import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import type { runAny } from '../../sim/cli/any-plan.js';
import type { runDrawn } from '../../sim/cli/run-seeds.js';
import { patchedSources } from '../../sim/mutants/plant.js';
import type { PlantedBug } from '../../sim/mutants/planted-bug.js';

interface Searches {
  readonly runAny: typeof runAny;
  readonly runDrawn: typeof runDrawn;
}

const ENTRY = 'searches';
const SWITCH = '__switchToBug';

/**
 * One build of the simulator with many bugs in it, of which at most one is there at a time. A build and a thread for
 * each bug spend nearly all of their time on compiling what is equal in all.
 */
export class SwitchedBugs {
  readonly #folder: string;
  readonly #searches: Searches;
  readonly #switchTo: (number: number) => void;

  private constructor(folder: string, searches: Searches, switchTo: (number: number) => void) {
    this.#folder = folder;
    this.#searches = searches;
    this.#switchTo = switchTo;
  }

  /** @param root of the repository, with its `node_modules` */
  static async make(root: string, bugs: readonly PlantedBug[]): Promise<SwitchedBugs> {
    const texts = await switchedSources(root, bugs);
    const folder = await mkdtemp(join(tmpdir(), 'keelson-bugs-'));
    await writeFile(join(folder, 'package.json'), '{"type":"module"}\n');
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    await using bundle = await rolldown({
      cwd: root,
      input: { [ENTRY]: join(root, `${ENTRY}.ts`) },
      external: /^[^./]/,
      platform: 'node',
      plugins: [
        {
          name: 'switched bugs',
          resolveId: (id) => (texts.has(id) ? id : null),
          load: (id) => {
            const code = texts.get(id);
            return code === undefined ? null : { code, moduleType: 'ts' };
          },
        },
      ],
    });
    await bundle.write({ dir: folder, format: 'esm', entryFileNames: '[name].mjs' });
    const built = (await import(
      /* @vite-ignore */ pathToFileURL(join(folder, `${ENTRY}.mjs`)).href
    )) as Searches & {
      readonly [SWITCH]: (number: number) => void;
    };
    return new SwitchedBugs(folder, built, built[SWITCH]);
  }

  /** The simulator with the bug of this number, or 0 for none, until the next call. */
  with(number: number): Searches {
    this.#switchTo(number);
    return this.#searches;
  }

  async clear(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Texts of modules, by where the build looks for them. */
async function switchedSources(root: string, bugs: readonly PlantedBug[]): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  const numbersOf = new Map<string, number[]>();
  for (const bug of bugs) {
    for (const [file, text] of await patchedSources(root, bug)) {
      const path = join(root, file);
      texts.set(`${path}?${bug.number}`, text);
      numbersOf.set(path, [...(numbersOf.get(path) ?? []), bug.number]);
    }
  }
  for (const [path, numbers] of numbersOf) {
    const honest = await readFile(path, 'utf8');
    texts.set(`${path}?0`, honest);
    texts.set(path, switchedModule(path, honest, numbers));
  }
  const paths = [...numbersOf.keys()];
  texts.set(
    join(root, `${ENTRY}.ts`),
    `export { runAny } from './sim/cli/any-plan.js';
    export { runDrawn } from './sim/cli/run-seeds.js';
    ${paths.map((path, at) => `import { ${SWITCH} as to${at} } from ${JSON.stringify(path)};`).join('\n')}
    export const ${SWITCH} = (number) => { ${paths.map((_path, at) => `to${at}(number);`).join(' ')} };`,
  );
  return texts;
}

/**
 * A module that exports what the one of the chosen number does. Whoever keeps an export from when it was loaded keeps the
 * one without a bug: then the bug is not found, and the test says so.
 */
function switchedModule(path: string, honest: string, numbers: readonly number[]): string {
  const names = [
    ...honest.matchAll(/^export (?:async function\*?|function\*?|(?:abstract )?class|const) (\w+)/gm),
  ]
    .map(([, name]) => name)
    .join();
  return `${[0, ...numbers].map((number) => `import * as n${number} from ${JSON.stringify(`${path}?${number}`)};`).join('\n')}
    export let { ${names} } = n0;
    export const ${SWITCH} = (number) => {
      ({ ${names} } = { ${numbers.map((number) => `n${number}`).join()} }[\`n\${number}\`] ?? n0);
    };`;
}
