// At stake: a promise that nobody awaits is a write that nobody hears fail. Code that breaks a rule which needs types, or
// that the compiler would refuse, or one that needs none, is
// planted beside code that breaks none, and the lint of this repository is run over it.
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'keelson-lint-'));
// Its patterns count from where it lies.
copyFileSync(join(ROOT, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
// Where the lint looks for its other half; with all packages here, that would read them.
mkdirSync(join(folder, 'node_modules'));
symlinkSync(join(ROOT, 'node_modules/.bin'), join(folder, 'node_modules/.bin'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

/** The rules that the files of the folder break, by path. */
function broken(): Promise<Record<string, string[]>> {
  const tool = join(ROOT, 'node_modules/oxlint/bin/oxlint');
  const options = ['--type-aware', '--type-check', '--format', 'json'];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [tool, ...options], { cwd: folder }, (error, stdout, stderr) => {
      if (!stdout.startsWith('{')) {
        reject(new Error(`the lint told nothing: ${stdout}${stderr}`, { cause: error }));
        return;
      }
      const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; filename: string }[] };
      const found: Record<string, string[]> = {};
      for (const { code, filename } of diagnostics)
        (found[filename] ??= []).push(/\((.*)\)/.exec(code)?.[1] ?? code);
      resolve(found);
    });
  });
}

test('types and rules, those that need types too, are held in src and in the tests, and no more than that', async () => {
  write(
    'tsconfig.json',
    '{ "compilerOptions": { "strict": true, "target": "es2023", "types": [] }, "include": ["src", "test"] }',
  );
  write(
    'src/awaited.ts',
    'export async function a(b: () => Promise<void>): Promise<void> {\n  await b();\n}\n',
  );
  write('src/floating.ts', 'export function a(b: () => Promise<void>): void {\n  b();\n}\n');
  write('test/floating.ts', 'export function a(b: () => Promise<void>): void {\n  b();\n}\n');
  write('src/any.ts', 'export const a: string = JSON.parse("1");\n');
  write('test/any.ts', 'export const a: string = JSON.parse("1");\n');
  write('src/typed.ts', 'export const a: string = 1;\n');
  write('test/typed.ts', 'export const a: string = 1;\n');
  write('src/deprecated.ts', '/** @deprecated b */\nconst a = 1;\nexport const b = a;\n');
  const switched = 'export function a(b: "c" | "d"): void {\n  switch (b) {\n    case "c":\n  }\n}\n';
  write('src/switched.ts', switched);
  write('src/loose.ts', 'export function a(b: number): boolean {\n  console.log(b);\n  return b == 1;\n}\n');
  write('src/cli/told.ts', 'export function a(b: number): void {\n  console.log(b);\n}\n');
  write('src/long.ts', `export const a = 1;\n${'// b\n'.repeat(400)}`);
  write('test/long.ts', `export const a = 1;\n${'// b\n'.repeat(400)}`);
  write('test/unused.mjs', 'const a = b;\n');
  expect(await broken()).toEqual({
    'src/any.ts': ['no-unsafe-assignment'],
    'src/deprecated.ts': ['no-deprecated'],
    'src/floating.ts': ['no-floating-promises'],
    'src/long.ts': ['max-lines'],
    'src/loose.ts': ['no-console', 'eqeqeq'],
    'src/switched.ts': ['switch-exhaustiveness-check'],
    'src/typed.ts': ['TS2322'],
    'test/floating.ts': ['no-floating-promises'],
    'test/typed.ts': ['TS2322'],
    'test/unused.mjs': ['no-unused-vars', 'no-undef'],
  });
});
