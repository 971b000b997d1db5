/**
 * At stake: drawn into the wrong file, the command line runs when the package is imported. Tried where it once went
 * wrong: in a checkout below a folder that is called `src`, as is a room of ours.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

test('where the checkout lies is no part of what is drawn together', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'keelson-bundle-'));
  try {
    const checkout = join(scratch, 'src', 'cli-src', 'keelson');
    mkdirSync(checkout, { recursive: true });
    const filter = (path: string): boolean => !/[\\/](node_modules|peers)$/.test(path);
    for (const top of ['src', 'sim', 'examples', 'bench', 'lab'])
      cpSync(join(root, top), join(checkout, top), { recursive: true, filter });
    for (const file of ['bundle.mjs', 'package.json']) cpSync(join(root, file), join(checkout, file));
    symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'), 'dir');
    execFileSync(process.execPath, ['bundle.mjs'], { cwd: checkout });
    const bundle = (name: string): string =>
      readFileSync(join(checkout, 'dist', 'src', 'bundle', `${name}.js`), 'utf8');
    expect(bundle('cli')).toContain('usage: keelson');
    expect(bundle('log')).not.toContain('usage: keelson');
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});
