// At stake: that logs agree wherever they hold the same entry, and that nothing committed is ever replaced (Raft paper
// §5.3, §5.4.2; figures 2, 7 and 8). Tried on one server, message by message.
import { describe, expect, test } from 'vitest';

import { append, entry, holds, Solo, termsOf } from './harness/solo.js';

describe('AppendEntries, receiver (figure 2)', () => {
  test('2: refuses what does not join, and says where its own log ends', () => {
    const solo = new Solo({ logTerms: [1] });
    expect(solo.hear(append('n2', 2, [5, 2], [2]))).toMatchObject([
      { type: 'append-response', index: 5, rejected: { hintIndex: 1, hintTerm: 1 } },
    ]);
  });

  test('3: an entry of another term, and all behind it, give way', () => {
    const solo = new Solo({ logTerms: [1, 2, 2, 2] });
    expect(solo.hear(append('n2', 3, [1, 1], [3]))).toMatchObject([{ index: 2, rejected: null }]);
    expect(termsOf(solo)).toEqual([1, 3]);
  });

  test('4: what is there already is not written again, and a late message drops no newer suffix', () => {
    const solo = new Solo({ logTerms: [1, 1, 1, 1] });
    expect(solo.hear(append('n2', 1, [0, 0], [1, 1]))).toMatchObject([{ index: 2, rejected: null }]);
    expect(termsOf(solo)).toEqual([1, 1, 1, 1]);
  });

  test('5: commit rises to the leader, but not beyond the last entry of the message', () => {
    const solo = new Solo({ logTerms: [1, 1, 1] });
    solo.hear(append('n2', 2, [1, 1], [], 3));
    expect(solo.raft.status.commit).toBe(1);
    solo.hear(append('n2', 2, [3, 1], [2], 3));
    expect(solo.raft.status.commit).toBe(3);
    expect(solo.applied.map(({ index }) => index)).toEqual([1, 2, 3]);
  });

  test('what lies below commit is answered with commit, whatever the message holds', () => {
    const solo = new Solo({ logTerms: [1, 1, 1], commit: 3 });
    expect(solo.hear(append('n2', 2, [0, 0], [1]))).toMatchObject([{ index: 3, rejected: null }]);
  });

  test('an acknowledgement leaves only when the entries are durable', () => {
    const solo = new Solo();
    solo.raft.step(append('n2', 1, [0, 0], [1, 1]));
    expect(solo.take()).toEqual([]);
    expect(solo.disk.lastIndex).toBe(0);
    expect(solo.finishSave()).toMatchObject([{ type: 'append-response', index: 2 }]);
    expect(solo.disk.lastIndex).toBe(2);
  });

  test('committed entries are handed for applying only when they are durable', () => {
    const solo = new Solo();
    solo.raft.step(append('n2', 1, [0, 0], [1], 1));
    solo.take();
    expect(solo.raft.status.commit).toBe(1);
    expect(solo.applied).toEqual([]);
    solo.finishSave();
    solo.take();
    expect(solo.applied).toEqual([entry(1, 1)]);
  });

  test('a leader that calls committed what this log no longer holds stops the server', () => {
    const solo = new Solo({ logTerms: [1, 1], commit: 2 });
    expect(() =>
      solo.hear({ type: 'heartbeat', from: 'n2', to: 'n1', term: 2, commit: 9, round: 0 }),
    ).toThrow(/lost what it acknowledged/);
  });
});

describe('the logs of figure 7, seen by the leader of term 8', () => {
  const leaderTerms = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];

  test.each([
    { name: 'a', terms: [1, 1, 1, 4, 4, 5, 5, 6, 6] },
    { name: 'b', terms: [1, 1, 1, 4] },
    { name: 'c', terms: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6] },
    { name: 'd', terms: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7] },
    { name: 'e', terms: [1, 1, 1, 4, 4, 4, 4] },
    { name: 'f', terms: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3] },
  ])(
    '($name) becomes the same as the leader’s, in as many rounds as there are terms to skip',
    ({ terms }) => {
      const leader = new Solo({ logTerms: leaderTerms, term: 7 });
      const follower = new Solo({ id: 'n2', logTerms: terms, term: 7 });
      let toFollower = leader.win('n3').filter(({ to }) => to === 'n2');
      let rounds = 0;
      while (toFollower.length > 0 && rounds < 20) {
        rounds += 1;
        const answers = toFollower.flatMap((message) => follower.hear(message));
        toFollower = answers.flatMap((message) => leader.hear(message)).filter(({ to }) => to === 'n2');
      }
      expect(termsOf(follower)).toEqual([...leaderTerms, 8]);
      expect(rounds).toBeLessThanOrEqual(4);
    },
  );
});

describe('commitment (§5.3, §5.4.2)', () => {
  test('an entry is committed once a majority holds it, the leader included when its own write is done', () => {
    const solo = new Solo();
    solo.win('n2');
    solo.hear(holds('n2', 1, 1));
    solo.raft.propose(new Uint8Array([1]));
    solo.take();
    solo.raft.step(holds('n2', 1, 2));
    solo.take();
    expect(solo.raft.status.commit, 'one of three: the own write is under way').toBe(1);
    solo.finishSave();
    expect(solo.raft.status.commit).toBe(2);
  });

  test('a leader sends while it writes', () => {
    const solo = new Solo();
    solo.win('n2');
    solo.hear(holds('n2', 1, 1));
    solo.raft.propose(new Uint8Array([1]));
    expect(solo.take()).toContainEqual(expect.objectContaining({ type: 'append', to: 'n2', prevIndex: 1 }));
    expect(solo.disk.lastIndex).toBe(1);
  });

  test('a majority of followers commits without the leader, which applies only what it has durably', () => {
    const solo = new Solo();
    solo.win('n2');
    solo.hear(holds('n2', 1, 1));
    solo.raft.propose(new Uint8Array([1]));
    solo.take();
    solo.raft.step(holds('n2', 1, 2));
    solo.raft.step(holds('n3', 1, 2));
    solo.take();
    expect(solo.raft.status.commit).toBe(2);
    expect(solo.applied.map(({ index }) => index)).toEqual([1]);
    solo.settle();
    expect(solo.applied.map(({ index }) => index)).toEqual([1, 2]);
  });

  test('figure 8: an entry of an earlier term is not committed by counting, but comes with one of the own', () => {
    const solo = new Solo({ voters: ['n1', 'n2', 'n3', 'n4', 'n5'], logTerms: [1, 2], term: 3 });
    solo.win('n2', 'n3');
    expect(solo.raft.status.term).toBe(4);
    solo.hear(holds('n2', 4, 2));
    solo.hear(holds('n3', 4, 2));
    solo.hear(holds('n4', 4, 2));
    expect(solo.raft.status.commit).toBe(0);
    solo.hear(holds('n2', 4, 3));
    expect(solo.raft.status.commit).toBe(0);
    solo.hear(holds('n3', 4, 3));
    expect(solo.raft.status.commit).toBe(3);
  });

  test('a leader opens its term with an entry of its own (§8)', () => {
    const solo = new Solo();
    const sent = solo.win('n2');
    expect(sent).toContainEqual(
      expect.objectContaining({
        type: 'append',
        entries: [{ index: 1, term: 1, kind: 2, data: new Uint8Array(0) }],
      }),
    );
  });

  test('only a leader takes proposals, and says who leads', () => {
    const solo = new Solo();
    solo.hear(append('n3', 1, [0, 0], []));
    expect(solo.raft.propose(new Uint8Array(1))).toEqual({ ok: false, reason: 'not-leader', leader: 'n3' });
  });

  test.each([1, 2, 15, 256, -1, 1.5])('kind %d is not a command', (kind) => {
    const solo = new Solo({ voters: ['n1'] });
    solo.win();
    expect(() => solo.raft.propose(new Uint8Array(1), kind)).toThrow(RangeError);
  });
});

describe('flow control', () => {
  test('a probe is one append until it is answered; then appends follow each other up to the window', () => {
    const solo = new Solo({ inflightCountMax: 2 });
    solo.win('n3');
    const toN2 = (): number => {
      solo.raft.propose(new Uint8Array(8));
      return solo.settle().filter(({ to, type }) => to === 'n2' && type === 'append').length;
    };
    expect([toN2(), toN2()]).toEqual([0, 0]);
    solo.hear(holds('n2', 1, 1));
    expect(solo.raft.status.members.get('n2')?.state).toBe('replicate');
    expect([toN2(), toN2()]).toEqual([1, 0]);
    expect(solo.hear(holds('n2', 1, 3)).filter(({ to }) => to === 'n2')).not.toEqual([]);
  });

  test('a window in bytes', () => {
    const solo = new Solo({ inflightBytesMax: 10 });
    solo.win('n2');
    solo.hear(holds('n2', 1, 1));
    const sent = [1, 2, 3].map(() => {
      solo.raft.propose(new Uint8Array(8));
      return solo.settle().filter(({ to, type }) => to === 'n2' && type === 'append').length;
    });
    expect(sent).toEqual([1, 1, 0]);
  });

  test('a late refusal changes nothing, a timely one goes back to probing', () => {
    const solo = new Solo({ logTerms: [1, 1, 1], term: 1 });
    solo.win('n2');
    solo.hear(holds('n2', 2, 4));
    const refusal = { type: 'append-response', from: 'n2', to: 'n1', term: 2 } as const;
    solo.hear({ ...refusal, index: 3, rejected: { hintIndex: 0, hintTerm: 0 } });
    expect(solo.raft.status.members.get('n2')).toMatchObject({ state: 'replicate', next: 5 });
    solo.hear({ ...refusal, index: 4, rejected: { hintIndex: 4, hintTerm: 2 } });
    expect(solo.raft.status.members.get('n2')).toMatchObject({ match: 4, state: 'replicate' });
    solo.raft.propose(new Uint8Array(1));
    solo.settle();
    solo.hear({ ...refusal, index: 5, rejected: { hintIndex: 4, hintTerm: 2 } });
    expect(solo.raft.status.members.get('n2')).toMatchObject({ match: 4, next: 5, state: 'probe' });
  });

  test('who is unreachable is probed again', () => {
    const solo = new Solo();
    solo.win('n2');
    solo.hear(holds('n2', 1, 1));
    solo.raft.reportUnreachable('n2');
    expect(solo.raft.status.members.get('n2')?.state).toBe('probe');
  });

  test('too much that is not committed: further proposals wait', () => {
    const solo = new Solo({ uncommittedBytesMax: 10 });
    solo.win('n2');
    expect(solo.raft.propose(new Uint8Array(20)).ok).toBe(true);
    expect(solo.raft.propose(new Uint8Array(1))).toMatchObject({ ok: false, reason: 'overloaded' });
    solo.settle();
    solo.hear(holds('n2', 1, 2));
    expect(solo.raft.propose(new Uint8Array(1)).ok).toBe(true);
  });

  test('entries that are no longer in memory are asked of the disk', () => {
    const solo = new Solo({ logTerms: [1, 1, 1, 1], term: 1 });
    solo.win('n3');
    const refusal = { type: 'append-response', from: 'n2', to: 'n1', term: 2, index: 4 } as const;
    const sent = solo.hear({ ...refusal, rejected: { hintIndex: 1, hintTerm: 1 } });
    expect(sent).toMatchObject([{ type: 'append', to: 'n2', prevIndex: 1, entries: [{ index: 2 }, {}, {}] }]);
  });

  test('heartbeats, which check no log, never call more committed than the follower holds', () => {
    const solo = new Solo();
    solo.win('n2');
    solo.hear(holds('n2', 1, 1));
    const beats = solo.tick(1).filter(({ type }) => type === 'heartbeat');
    expect(beats).toMatchObject([
      { to: 'n2', commit: 1 },
      { to: 'n3', commit: 0 },
    ]);
  });
});
