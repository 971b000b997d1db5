/**
 * At stake: a ratio that favours one side by its place in the round, or by one lucky round, says nothing. Tried
 * with contenders whose work is known, in turns that are written down.
 */
import { expect, test } from 'vitest';
import { duel, median, outcome } from '../../bench/rounds.js';

test('the median is the middle, or the mean of both middles, whatever the order', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([7])).toBe(7);
  expect(median([])).toBeNaN();
});

test('both take turns, first and second alike, behind a round that warms up', async () => {
  const turns: string[] = [];
  const contender = (name: string, work: number) => async (untilMs: number) => {
    turns.push(name);
    while (performance.now() < untilMs) await Promise.resolve();
    return work;
  };
  const prepare = async (): Promise<void> => {
    turns.push('prepare');
  };
  const rounds: number[] = [];
  const onRound = (round: number): void => {
    rounds.push(round);
  };
  await duel({ rounds: 3, seconds: 0.01, prepare, onRound }, contender('k', 2), contender('r', 1));
  expect(turns.join(' ')).toBe('prepare k r prepare r k prepare k r prepare r k');
  expect(rounds).toEqual([1, 2, 3]);
});

test('the ratio is the median of the rounds, which one odd round does not move', () => {
  const rates = [
    { keelson: 90, reference: 100 },
    { keelson: 45, reference: 50 },
    { keelson: 1, reference: 90 },
  ];
  expect(outcome(rates)).toEqual({ keelson: 45, reference: 90, ratio: 0.9 });
});
