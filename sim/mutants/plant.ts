import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type TypeScript from 'typescript';
import { type AnyPlan, parseAny } from '../cli/any-plan.js';
import type { Hunk, PlantedBug } from './planted-bug.js';

/** A patch that no longer applies: the code moved on, and the bug must be planted anew. */
export class PatchRefused extends Error {
  override readonly name = 'PatchRefused';
}

type Compiler = typeof TypeScript;

/** What is copied and compiled: all that a search needs. */
const PARTS = ['src', 'sim'];

/**
 * A compiled copy of the sources in a folder of its own, from which copies with bugs in them are made. The tree
 * itself is only read.
 */
export class Nursery {
  readonly #root: string;
  readonly #folder: string;
  readonly #compiler: Compiler;

  private constructor(root: string, folder: string, compiler: Compiler) {
    this.#root = root;
    this.#folder = folder;
    this.#compiler = compiler;
  }

  /** @param root of the repository, with its `node_modules` */
  static async make(root: string): Promise<Nursery> {
    // Asked for here, since only who plants bugs needs a compiler.
    const { default: compiler } = await import('typescript');
    const folder = await mkdtemp(join(tmpdir(), 'keelson-bugs-'));
    const nursery = new Nursery(root, folder, compiler);
    await writeFile(join(folder, 'package.json'), '{"type":"module"}\n');
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    for (const part of PARTS) await nursery.#compileAll(part);
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
    await cp(this.honest, tree, { recursive: true });
    for (const [file, text] of patched) {
      await writeFile(join(tree, compiledName(file)), this.#compile(file, text));
    }
    return tree;
  }

  /** Removes all copies. */
  async clear(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #compileAll(part: string): Promise<void> {
    const names = await readdir(join(this.#root, part), { recursive: true });
    for (const name of names.filter((one) => one.endsWith('.ts') && !one.endsWith('.d.ts'))) {
      const file = join(part, name);
      const target = join(this.honest, compiledName(file));
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, this.#compile(file, await readFile(join(this.#root, file), 'utf8')));
    }
  }

  #compile(file: string, text: string): string {
    const { transpileModule, ModuleKind, ScriptTarget, flattenDiagnosticMessageText } = this.#compiler;
    const { outputText, diagnostics = [] } = transpileModule(text, {
      fileName: file,
      reportDiagnostics: true,
      compilerOptions: {
        module: ModuleKind.ESNext,
        target: ScriptTarget.ES2023,
        verbatimModuleSyntax: true,
      },
    });
    const [first] = diagnostics;
    if (first === undefined) return outputText;
    throw new PatchRefused(
      `${file} is no TypeScript: ${flattenDiagnosticMessageText(first.messageText, ' ')}`,
    );
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

function compiledName(file: string): string {
  return file.replace(/\.ts$/, '.js');
}
