/**
 * A simulated disk that is full is full in the way its maker thought of. So a real file system of 24 MB is mounted in a
 * namespace of its own, filled to its last byte by a real process, freed, and filled again (D7).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const BUILT = join(import.meta.dirname, '../../dist/src/index.js');
const CHILD = join(import.meta.dirname, 'full-disk-child.mjs');

/** Runs `command` where `home` is a file system of 24 MB that nobody else sees. */
function runMounted(
  home: string,
  command: string,
): { status: number | null; stdout: string; stderr: string } {
  const script = `mount -t tmpfs -o size=24m tmpfs '${home}' && ${command}`;
  const { status, stdout, stderr, error } = spawnSync('unshare', ['-rm', 'sh', '-c', script], {
    encoding: 'utf8',
  });
  return { status, stdout: stdout ?? '', stderr: stderr ?? String(error) };
}

test('a file system of 24 MB that fills up and is freed', ({ skip }) => {
  const home = mkdtempSync(join(tmpdir(), 'keelson-small-'));
  onTestFinished(() => {
    rmSync(home, { recursive: true, force: true });
  });
  const tried = runMounted(home, 'true');
  if (tried.status !== 0) skip(`no file system may be mounted here: ${tried.stderr.trim()}`);
  if (!existsSync(BUILT)) throw new Error(`${BUILT} is not there. Run: npm run build`);
  const { stdout, stderr } = runMounted(home, `exec '${process.execPath}' '${CHILD}' '${BUILT}' '${home}'`);
  expect(stderr.replace(/^.*Warning:.*$/gm, '').trim()).toBe('');
  const { entries, votes, ...report } = JSON.parse(stdout) as Record<string, unknown>;
  expect((entries as { count: number }).count).toBeGreaterThan(50);
  expect(entries).toMatchObject({ last: 'KEELSON_NO_SPACE' });
  expect(votes).toEqual({ count: 500, last: 'ok' });
  expect(report).toEqual({
    firstVote: 'ok',
    freeBytes: 0,
    entryWhenFull: 'KEELSON_NO_SPACE',
    status: 'open',
    truncation: 'ok',
    reopened: { verdict: 'clean', isSame: true, isWhole: true, freeBytes: 0 },
    voteAfterReopen: 'ok',
    snapshot: 'ok',
    freeBytesAgain: 0,
    entryStillRefused: 'KEELSON_NO_SPACE',
    compaction: 'ok',
    isSpaceBack: true,
    entryAfterCompaction: 'ok',
    isSpaceBackOnceFreed: true,
    entryOnceFreed: 'ok',
    isWhole: true,
    isClosed: true,
    isLogThere: true,
  });
});
