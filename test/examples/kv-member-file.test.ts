/**
 * At stake: a node that takes a foreign folder, or a half-made one, for its own forgets who it is. Tried by making
 * folders as crashes, full disks and strangers leave them, and starting in each.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { initMember, type Member, readMember, writeMember } from '../../examples/kv/cluster/member-file.js';
import { EXIT, ExitError } from '../../examples/kv/exit.js';
import { scratchDirectory } from './scratch-directory.js';

const MEMBER: Member = {
  clusterId: 'c',
  memberId: 'n1',
  identity: '0123',
  founders: ['n1'],
  addresses: { n1: '127.0.0.1:7101' },
  known: { n1: '0123' },
  logs: {},
  isFormed: false,
};

function exitOf(attempt: () => void): ExitError {
  try {
    attempt();
  } catch (error) {
    if (error instanceof ExitError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

test('a new folder is made, and says who the node is', () => {
  const folder = join(scratchDirectory(), 'deep', 'n1');
  initMember(folder, MEMBER);
  expect(readMember(folder)).toMatchObject(MEMBER);
  writeMember(folder, { ...MEMBER, isFormed: true });
  expect(readMember(folder).isFormed).toBe(true);
  expect(readdirSync(folder)).toEqual(['member.json']);
});

test('what a crash left of the first writing is no node, and no hindrance', () => {
  const folder = scratchDirectory();
  writeFileSync(join(folder, 'member.json.draft'), '{"format":');
  expect(exitOf(() => readMember(folder)).exitCode).toBe(EXIT.folder);
  initMember(folder, MEMBER);
  expect(readMember(folder)).toMatchObject(MEMBER);
});

test('a folder that holds a node, or anything else, is left as it is', () => {
  const folder = scratchDirectory();
  initMember(folder, MEMBER);
  const again = exitOf(() => {
    initMember(folder, { ...MEMBER, identity: 'other' });
  });
  expect([again.exitCode, again.message]).toEqual([EXIT.folder, expect.stringContaining('without --init')]);
  expect(readMember(folder).identity).toBe('0123');
  const foreign = scratchDirectory();
  writeFileSync(join(foreign, 'thesis.txt'), 'mine');
  const refused = exitOf(() => {
    initMember(foreign, MEMBER);
  });
  expect([refused.exitCode, refused.message]).toEqual([EXIT.folder, expect.stringContaining('thesis.txt')]);
  expect(readdirSync(foreign)).toEqual(['thesis.txt']);
});

test('a disk that takes no file is named, in one line', () => {
  const folder = scratchDirectory();
  mkdirSync(join(folder, 'member.json.draft'));
  const failed = exitOf(() => {
    initMember(folder, MEMBER);
  });
  expect([failed.exitCode, failed.message]).toEqual([EXIT.environment, expect.stringContaining('EISDIR')]);
  expect(existsSync(join(folder, 'member.json'))).toBe(false);
});

test.each(['', '{}', 'null', '{"format":2}', JSON.stringify({ ...MEMBER, format: 1, known: { n1: 1 } })])(
  'another file under the name is refused: %s',
  (text) => {
    const folder = scratchDirectory();
    writeFileSync(join(folder, 'member.json'), text);
    expect(exitOf(() => readMember(folder)).exitCode).toBe(EXIT.folder);
  },
);
