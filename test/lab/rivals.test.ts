/**
 * At stake: a rival that lost something and is praised, or is accused of what it never promised. Tried on three writes and
 * every way in which what is held can differ from them.
 */
import { expect, test } from 'vitest';
import { content } from '../../lab/powercut/model/content.js';
import { keyOf, rivalFault, type RivalNote } from '../../lab/powercut/rivals/notes.js';

/** Two were answered; the third failed, with its fate open. */
const NOTES: readonly RivalNote[] = [
  { seq: 0, bytes: 16, askedAt: 5, answeredAt: 10 },
  { seq: 1, bytes: 120, askedAt: 10, answeredAt: 20 },
  { seq: 2, bytes: 256, askedAt: 20 },
];

const held = (...seqs: readonly number[]): Map<string, Buffer> =>
  new Map(seqs.map((seq) => [keyOf(seq), content(seq, NOTES[seq]!.bytes)]));

test.each([
  [4, []],
  [5, []],
  [5, [0]],
  [10, [0]],
  [10, [0, 1]],
  [20, [0, 1]],
  [20, [0, 1, 2]],
])('cut at %i it may hold %j', (cutAt, seqs) => {
  expect(rivalFault(held(...seqs), NOTES, cutAt)).toBeNull();
});

test.each([
  [4, [0], 'was not asked for'],
  [10, [0, 2], 'was not asked for'],
  [10, [1], 'is gone'],
  [20, [0], 'is gone'],
  [20, [], 'is gone'],
])('cut at %i it must not hold %j alone: %s', (cutAt, seqs, fault) => {
  expect(rivalFault(held(...seqs), NOTES, cutAt)).toContain(fault);
});

test('other bytes than were written are a fault, acknowledged or not', () => {
  const store = held(0, 1, 2).set(keyOf(2), content(1, 256));
  expect(rivalFault(store, NOTES, 20)).toContain('other bytes');
});
