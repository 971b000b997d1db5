// At stake: a read that misses a write acknowledged before it (Raft paper §8, dissertation §6.4). Tried on one server.
import { describe, expect, test } from 'vitest';

import type { Message } from '../../../sim/raft/index.js';
import { append, holds, Solo } from './harness/solo.js';

const beat = (from: string, round: number, term = 1): Message => ({
  type: 'heartbeat-response',
  from,
  to: 'n1',
  term,
  round,
});

describe('reads by index', () => {
  test('are answered only after a majority has answered a heartbeat sent after they came', () => {
    const solo = new Solo();
    solo.win('n2');
    solo.hear(holds('n2', 1, 1));
    solo.raft.readIndex('a');
    expect(solo.settle()).toMatchObject([
      { type: 'heartbeat', round: 1 },
      { type: 'heartbeat', round: 1 },
    ]);
    solo.hear(beat('n2', 0));
    expect(solo.reads).toEqual([]);
    solo.hear(beat('n2', 1));
    expect(solo.reads).toEqual(['a@1']);
  });

  test('wait until the leader has committed an entry of its own term', () => {
    const solo = new Solo({ logTerms: [1], commit: 1 });
    solo.settle();
    solo.win('n2');
    solo.raft.readIndex('a');
    solo.settle();
    solo.hear(beat('n2', 0, 2));
    solo.hear(beat('n3', 0, 2));
    expect(solo.reads).toEqual([]);
    solo.hear(holds('n2', 2, 2));
    solo.hear(beat('n2', 1, 2));
    expect(solo.reads).toEqual(['a@2']);
  });

  test('of one turn share one round', () => {
    const solo = new Solo();
    solo.win('n2');
    solo.hear(holds('n2', 1, 1));
    for (const context of ['a', 'b', 'c']) solo.raft.readIndex(context);
    expect(solo.settle()).toHaveLength(2);
    solo.hear(beat('n3', 1));
    expect(solo.reads).toEqual(['a@1', 'b@1', 'c@1']);
  });

  test('are lost with the leadership', () => {
    const solo = new Solo();
    solo.win('n2');
    solo.hear(holds('n2', 1, 1));
    solo.raft.readIndex('a');
    solo.settle();
    solo.hear(append('n3', 2, [1, 1], [2], 2));
    solo.hear(beat('n2', 1));
    expect(solo.reads).toEqual([]);
  });

  test('of a single voter need nobody else', () => {
    const solo = new Solo({ voters: ['n1'] });
    solo.win();
    solo.settle();
    solo.raft.readIndex('a');
    solo.settle();
    expect(solo.reads).toEqual(['a@1']);
  });

  test('of a follower go to the leader, and an answer that nobody here asked for is dropped', () => {
    const solo = new Solo();
    expect(solo.raft.readIndex('a')).toBe('no-leader');
    solo.hear(append('n2', 1, [0, 0], []));
    expect(solo.raft.readIndex('a')).toBeNull();
    const [request] = solo.settle();
    if (request?.type !== 'read-index') throw new Error('no request');
    const answer = { type: 'read-index-response', from: 'n2', to: 'n1', term: 1, index: 4 } as const;
    solo.hear({ ...answer, requestId: 'of-an-earlier-life' });
    expect(solo.reads).toEqual([]);
    solo.hear({ ...answer, requestId: request.requestId });
    solo.hear({ ...answer, requestId: request.requestId });
    expect(solo.reads).toEqual(['a@4']);
  });

  test('are bounded in number', () => {
    const solo = new Solo({ readsWaitingMax: 1 });
    solo.win('n2');
    expect(solo.raft.readIndex('a')).toBeNull();
    expect(solo.raft.readIndex('b')).toBe('overloaded');
  });
});
