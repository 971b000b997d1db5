/**
 * At stake: at night an operator does what the message says, so a next step that does not fit the code sends them the wrong
 * way, and a sentence that the failure itself brought may be the only good one. Tried code by code, through every failure.
 */
import { getSystemErrorMap } from 'node:util';
import { describe, expect, test } from 'vitest';
import {
  changeFailed,
  lockFailed,
  readFailed,
  syncFailed,
  writeFailed,
} from '../../src/disk/disk-failure.js';
import { systemError } from '../../src/disk/system-error.js';
import { SYSTEM_WORDS } from '../../src/disk/system-words.js';
import { KeelsonError } from '../../src/errors/index.js';

const NEXT = { fate: 'Nothing of it exists.', then: 'open again' };
const place = { path: '/data/log/superblock' };

/** As `node:fs` throws it. */
function nodeError(code: string): Error {
  const usual = [...getSystemErrorMap().values()].find(([name]) => name === code)?.[1] ?? 'unknown error';
  return systemError(code, usual, { syscall: 'open', path: place.path });
}

describe('the words of a code', () => {
  test.each(Object.entries(SYSTEM_WORDS))('%s is told with its own next step', (code, { says, remedy }) => {
    for (const error of [
      readFailed('a segment', place, nodeError(code)),
      writeFailed('a segment', place, nodeError(code), NEXT),
      syncFailed('a segment', place, nodeError(code), NEXT),
      changeFailed('a segment', place, nodeError(code), NEXT),
      lockFailed(place, nodeError(code)),
    ]) {
      expect(error.message).toContain(`: ${place.path}: ${code} (${says}`);
      expect(error.message).toContain(`${remedy}, then `);
      expect(error.details).toMatchObject({ ...place, systemCode: code });
    }
  });

  test.each([
    ['ENOSPC', /inodes/],
    ['EDQUOT', /quota/],
    ['ENOLCK', /cannot lock.*local file system/],
    ['ENOTSUP', /local file system/],
    ['EMFILE', /ulimit -n/],
    ['EROFS', /read-only.*mount it for writing/],
    ['EACCES', /owner and the permissions/],
    ['EPERM', /owner and the permissions/],
    ['ENOENT', /link that leads nowhere.*mounted/],
    ['EIO', /kernel's log/],
    ['ERR_ACCESS_DENIED', /--allow-fs-read/],
    ['ERR_NO_LOCK_ADDON', /optional files/],
    ['ERR_NO_LOCK_RUNTIME', /under Node/],
  ])('%s sends nobody the wrong way', (code, expected) => {
    const { message } = readFailed('a segment', place, nodeError(code));
    expect(message).toMatch(expected);
    if (code !== 'EIO') expect(message).not.toMatch(/Check the disk\b/);
  });

  test('a code that is not in the table is told as it is', () => {
    const { message } = readFailed('a segment', place, nodeError('EBADF'));
    expect(message).toBe(
      `a segment could not be read: ${place.path}: EBADF. Check the disk, then open again.`,
    );
  });
});

describe('the words of the failure itself', () => {
  test('stand behind those of its code', () => {
    const cause = systemError('EIO', '0 of 512 bytes written at 4096', { syscall: 'write', ...place });
    expect(writeFailed('the log', place, cause, NEXT).message).toContain(
      'EIO (the device failed; 0 of 512 bytes written at 4096). Nothing of it exists.',
    );
  });

  test('stand alone where it has no code', () => {
    const cause = new Error('it reads otherwise than a moment ago');
    expect(readFailed('the tail', place, cause).message).toContain(
      ': it reads otherwise than a moment ago. ',
    );
  });

  test('are kept as they are where they are ours', () => {
    const ours = new KeelsonError('KEELSON_FENCED', 'another writer has opened this store', place);
    expect(writeFailed('a segment', place, ours, NEXT)).toBe(ours);
    expect(readFailed('a segment', place, ours)).toBe(ours);
  });
});

describe('a lock that is not to be had', () => {
  test.each(['ENOLCK', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'ERR_NO_LOCK_ADDON', 'ERR_NO_LOCK_RUNTIME'])(
    '%s has a code of its own',
    (code) => {
      expect(lockFailed(place, nodeError(code)).code).toBe('KEELSON_LOCK_UNSUPPORTED');
    },
  );

  test('is no failing disk', () => {
    expect(lockFailed(place, nodeError('EIO')).code).toBe('KEELSON_READ_FAILED');
  });
});
