/**
 * At stake: a run that tries something else than was asked for, and says so nowhere. Tried flag by flag, wrong ones
 * included; nothing is mounted.
 */
import { expect, test } from 'vitest';
import { readOptions } from '../../lab/powercut/options.js';
import { WRONG_COPIES } from '../../lab/powercut/wrong/wrong-copies.js';

test('without flags the right writer is tried on ext4, with disks that fail and fill', () => {
  expect(readOptions([])).toMatchObject({
    fileSystem: { name: 'ext4' },
    minutes: 2,
    cut: null,
    rival: null,
    wrong: [],
    twoDisks: false,
    large: false,
    errors: true,
    full: true,
    json: false,
  });
});

test('wrong copies by name, or all of them', () => {
  expect(readOptions(['--wrong', 'no-sync'])).toMatchObject({ wrong: [{ name: 'no-sync' }] });
  expect(readOptions(['--all-wrong'])).toMatchObject({ wrong: WRONG_COPIES });
  expect(new Set(WRONG_COPIES.map(({ name }) => name)).size).toBe(WRONG_COPIES.length);
});

test('one cut again, of the seed that kept it', () => {
  expect(readOptions(['--fs', 'xfs', '--seed', '7', '--cut', '12'])).toMatchObject({ seed: 7, cut: 12 });
});

test.each([
  [['--fs', 'ntfs'], /--fs is 'ntfs', expected one of: ext4 /],
  [['--minutes', 'x'], /--minutes is 'x', expected a number in/],
  [['--seed', '1.5'], /--seed is '1.5', expected a whole number/],
  [['--wrong', 'nothing'], /--wrong is 'nothing', expected one of: no-sync /],
  [['--cut', '3'], /--cut needs the --seed/],
  [['--fs', 'btrfs', '--two-disks'], /--two-disks: btrfs/],
  [['--rival', 'redis'], /--rival is 'redis', expected one of: classic-level /],
  [['--unknown'], /--unknown/],
])('%j is refused', (args, message) => {
  expect(() => readOptions(args)).toThrow(message);
});

test('help is asked for', () => {
  expect(readOptions(['--help'])).toBe('help');
});
