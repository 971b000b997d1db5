/**
 * At stake: writers of clients in other languages have this one to go by, so it must keep what was acknowledged while its
 * servers and its own processes are killed, and pass the cases of the service. Tried, where Go is, as people would run it.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runBuilt } from './built.js';
import { scratchDirectory } from './scratch-directory.js';

const isDeep = process.env['KEELSON_DEEP'] === '1';
const lack = !isDeep
  ? ' (skipped: deep only)'
  : spawnSync('go', ['version']).error
    ? ' (skipped: no go)'
    : '';

test.skipIf(lack !== '')(
  `hashicorp/raft loses nothing while it and its log servers are killed${lack}`,
  async () => {
    const temporary = scratchDirectory();
    const { code, stdout, stderr } = await runBuilt('examples/go-raft/main.js', ['--seconds', '5'], {
      temporary,
    });
    expect(`${stdout}\n${stderr}`).toContain('Every acknowledged step is on every member, once');
    expect(code).toBe(0);
  },
);

test.skipIf(lack !== '')(`its stores pass the tests of such stores, gofmt and vet${lack}`, () => {
  const cwd = join(import.meta.dirname, '../../examples/go-raft');
  const go = (...args: readonly string[]): string => execFileSync('go', args, { cwd, encoding: 'utf8' });
  go('generate', './...');
  go('vet', './...');
  expect(execFileSync('gofmt', ['-l', '.'], { cwd, encoding: 'utf8' })).toBe('');
  expect(go('test', '-count=1', './...')).toContain('ok');
});
