import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { rolldown } from 'rolldown';
import { isolatedDeclaration } from 'rolldown/experimental';

/*
 * Writes `dist/`: every module without its types, and beside it what it declares, which `isolatedDeclarations` has each
 * file say for itself. The compiler does the same in ten times the time; that types are right is what the lint asks it.
 *
 * Then `dist/src`, some 160 small modules, is drawn together into one file for the log, one for the commands, one for
 * gRPC and one for the conformance suite, since to import the modules one by one took longer than to open a log, and more
 * descriptors at once than a server with 64 has. Every module stays where it was as a file of one line that exports from
 * there, so that whoever imports it by its place, the simulator for one, shares one copy of each class with whoever
 * imports the package.
 */
const TARGET = 'es2023';

const modulesOf = (top) =>
  readdirSync(top, { recursive: true })
    .filter((file) => /(?<!\.d)\.ts$/.test(file) && !file.includes('node_modules'))
    .map((file) => join(top, file));
/** Modules by the names that they are to have. */
const named = (files, top) =>
  Object.fromEntries(files.map((file) => [relative(top, file).slice(0, -'.ts'.length), file]));

const all = ['src', 'sim', 'examples', 'bench', 'lab'].flatMap(modulesOf);
const apart = await rolldown({
  input: named(all, '.'),
  // What the compiler's target lacks is drawn in, and nothing else of others.
  external: /^(?!@oxc-project|\0)[^./]/,
  platform: 'node',
  transform: { target: TARGET },
});
await apart.write({ dir: 'dist', format: 'esm', preserveModules: true, preserveModulesRoot: '.' });
await apart.close();

for (const file of all) {
  const { code, errors } = await isolatedDeclaration(file, readFileSync(file, 'utf8'));
  if (errors.length > 0) throw new Error(`${file}: ${errors.map(({ message }) => message).join('; ')}`);
  const declared = join('dist', file.replace(/\.ts$/, '.d.ts'));
  mkdirSync(dirname(declared), { recursive: true });
  writeFileSync(declared, code);
}

const bundle = await rolldown({
  input: named(modulesOf('src'), 'src'),
  // Nothing of others is drawn in: dependencies stay what the package's manifest says.
  external: /^[^./]/,
  platform: 'node',
  transform: { target: TARGET },
});

/** Whether a module is in such a room of `src`; that of a checkout in `~/src/`, or `~/cli-src/`, is no room. */
const within = (room) => (module) => room.test(relative(resolve('src'), module));

await bundle.write({
  dir: 'dist/src',
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'bundle/[name].js',
  // The contract stands in the declarations, and a stack trace must stay readable: no comments, all names.
  comments: { legal: true, annotation: true, jsdoc: false },
  codeSplitting: {
    groups: [
      { name: 'log', test: within(/^(?!\.\.|cli|grpc|testing|page)/), priority: 2 },
      // What needs a peer apart from what can say that it is missing, and from what the simulator runs.
      { name: 'grpc', test: within(/^grpc\/(?!net|generated)/), priority: 1 },
      { name: 'grpc-net', test: within(/^grpc/) },
      { name: 'page', test: within(/^page/) },
      { name: 'cli', test: within(/^cli/) },
      { name: 'testing', test: within(/^testing/) },
    ],
  },
});
await bundle.close();

// What runs in a browser is read as text, from beside the module that makes the page.
for (const top of ['src', 'sim'])
  for (const file of readdirSync(top, { recursive: true }).filter((name) => name.endsWith('.browser.js')))
    cpSync(join(top, file), top === 'src' ? join('dist/src/bundle', basename(file)) : join('dist/sim', file));
