// At stake: at most one leader a term, and only one that holds all that is committed (Raft paper §5.2, §5.4.1; figure 2).
// Tried on one server, message by message, by the paper's rules in the paper's order.
import { describe, expect, test } from 'vitest';

import { append, holds, Solo, vote } from './harness/solo.js';

describe('terms (figure 2, all servers)', () => {
  test.each(['follower', 'candidate', 'leader'] as const)('a %s that sees a later term follows', (role) => {
    const solo = new Solo();
    if (role === 'candidate') {
      solo.raft.campaign();
      solo.settle();
      solo.hear({ type: 'pre-vote-response', from: 'n2', to: 'n1', term: 1, granted: true });
    }
    if (role === 'leader') solo.win('n2');
    expect(solo.raft.status.role).toBe(role);
    solo.hear(append('n3', 7, [0, 0], []));
    expect(solo.raft.status).toMatchObject({ role: 'follower', term: 7, leader: 'n3' });
    expect(solo.disk.hardState).toMatchObject({ term: 7, vote: null });
  });

  test('a message of an earlier term changes nothing', () => {
    const solo = new Solo({ logTerms: [1, 3], term: 3, vote: 'n2' });
    const before = solo.raft.status;
    const answers = [append('n2', 2, [0, 0], [2, 2], 2), vote('n3', 2, [9, 9]), holds('n2', 2, 2)].flatMap(
      (late) => solo.hear(late),
    );
    expect(solo.raft.status).toEqual(before);
    expect(answers.every((answer) => answer.term === 3)).toBe(true);
  });

  test('a message to another server changes nothing', () => {
    const solo = new Solo();
    expect(solo.hear({ ...append('n2', 4, [0, 0], [4]), to: 'n3' })).toEqual([]);
    expect(solo.raft.status.term).toBe(0);
  });
});

describe('leader election (§5.2)', () => {
  test('a follower that hears of no leader within its timeout asks for pre-votes, and raises no term', () => {
    const solo = new Solo();
    expect(solo.tick(9)).toEqual([]);
    expect(solo.tick(1).map((message) => [message.type, message.to, message.term])).toEqual([
      ['pre-vote', 'n2', 1],
      ['pre-vote', 'n3', 1],
    ]);
    expect(solo.disk.hardState.term).toBe(0);
  });

  test('a heartbeat puts the election off', () => {
    const solo = new Solo();
    for (let round = 0; round < 5; round += 1) {
      solo.tick(9);
      solo.hear({ type: 'heartbeat', from: 'n2', to: 'n1', term: 1, commit: 0, round: 0 });
    }
    expect(solo.raft.status).toMatchObject({ role: 'follower', leader: 'n2' });
  });

  test('no request for a vote leaves before the vote for oneself is durable', () => {
    const solo = new Solo();
    solo.raft.campaign();
    solo.take();
    solo.raft.step({ type: 'pre-vote-response', from: 'n2', to: 'n1', term: 1, granted: true });
    expect(solo.take()).toEqual([]);
    expect(solo.disk.hardState).toMatchObject({ term: 0, vote: null });
    expect(solo.finishSave().map(({ type }) => type)).toEqual(['vote', 'vote']);
    expect(solo.disk.hardState).toMatchObject({ term: 1, vote: 'n1' });
  });

  test('the own vote counts only when it is durable', () => {
    const solo = new Solo({ voters: ['n1'] });
    solo.raft.campaign();
    solo.take();
    expect(solo.raft.status.role).toBe('candidate');
    solo.finishSave();
    expect(solo.raft.status.role).toBe('leader');
  });

  test.each([
    { voters: 3, granted: 1, refused: 0, role: 'candidate' },
    { voters: 5, granted: 2, refused: 1, role: 'candidate' },
    { voters: 5, granted: 3, refused: 2, role: 'leader' },
    { voters: 5, granted: 2, refused: 3, role: 'follower' },
  ])('of $voters voters $granted grant and $refused refuse: $role', ({ voters, granted, refused, role }) => {
    const ids = Array.from({ length: voters }, (_, at) => `n${String(at + 1)}`);
    const solo = new Solo({ voters: ids });
    solo.raft.campaign();
    solo.settle();
    for (const from of ids.slice(1)) {
      solo.hear({ type: 'pre-vote-response', from, to: 'n1', term: 1, granted: true });
    }
    const others = ids.slice(1);
    const answers = others
      .map((from, at) => ({ from, granted: at < granted - 1 }))
      .slice(0, granted - 1 + refused);
    for (const { from, granted: isGranted } of answers) {
      // Sent twice: a repeated vote is one vote.
      const answer = { type: 'vote-response', from, to: 'n1', term: 1, granted: isGranted } as const;
      solo.hear(answer);
      solo.hear(answer);
    }
    expect(solo.raft.status.role).toBe(role);
  });

  test('one vote a term, first come first served, and the same again to the same candidate', () => {
    const solo = new Solo();
    const answers = [vote('n2', 1, [0, 0]), vote('n3', 1, [0, 0]), vote('n2', 1, [0, 0])].flatMap((m) =>
      solo.hear(m),
    );
    expect(answers).toMatchObject([{ granted: true }, { granted: false }, { granted: true }]);
    expect(solo.disk.hardState.vote).toBe('n2');
  });

  test('a vote leaves only when it is durable, and the disk still has it after a crash', () => {
    const solo = new Solo();
    solo.raft.step(vote('n2', 1, [0, 0]));
    expect(solo.take()).toEqual([]);
    expect(solo.finishSave()).toMatchObject([{ type: 'vote-response', granted: true }]);
    expect(solo.disk.hardState).toEqual({ term: 1, vote: 'n2', commit: 0 });
  });

  test('a candidate that hears of a leader of its own term follows it', () => {
    const solo = new Solo();
    solo.raft.campaign();
    solo.settle();
    solo.hear({ type: 'pre-vote-response', from: 'n2', to: 'n1', term: 1, granted: true });
    solo.hear(append('n3', 1, [0, 0], []));
    expect(solo.raft.status).toMatchObject({ role: 'follower', term: 1, leader: 'n3', vote: 'n1' });
  });

  test.each([
    { drawn: 0, ticks: 10 },
    { drawn: 0.5, ticks: 15 },
    { drawn: 0.99, ticks: 19 },
  ])(
    'a timeout is drawn between one and two election timeouts: $drawn gives $ticks ticks',
    ({ drawn, ticks }) => {
      const solo = new Solo({ random: () => drawn });
      solo.tick(ticks - 1);
      expect(solo.raft.status.role).toBe('follower');
      solo.tick(1);
      expect(solo.raft.status.role).toBe('pre-candidate');
    },
  );
});

describe('election restriction (§5.4.1)', () => {
  test.each([
    { last: [3, 2] as const, granted: true, because: 'the same log' },
    { last: [4, 2] as const, granted: true, because: 'the same last term and longer' },
    { last: [1, 3] as const, granted: true, because: 'a later last term, though shorter' },
    { last: [2, 2] as const, granted: false, because: 'the same last term and shorter' },
    { last: [9, 1] as const, granted: false, because: 'an earlier last term, though longer' },
  ])('a log that ends at $last: $granted, for it is $because', ({ last, granted }) => {
    const solo = new Solo({ logTerms: [1, 2, 2], term: 3 });
    expect(solo.hear(vote('n2', 4, last))).toMatchObject([{ type: 'vote-response', granted }]);
    const asked = new Solo({ logTerms: [1, 2, 2], term: 3 });
    const [lastIndex, lastTerm] = last;
    const preVote = { type: 'pre-vote', from: 'n2', to: 'n1', term: 4, lastIndex, lastTerm } as const;
    expect(asked.hear(preVote)).toMatchObject([{ type: 'pre-vote-response', granted }]);
  });

  test('what counts is the log in memory, also what is not durable yet', () => {
    const solo = new Solo();
    solo.raft.step(append('n3', 1, [0, 0], [1]));
    solo.take();
    expect(solo.hear({ ...vote('n2', 2, [0, 0]), transfer: true })).toContainEqual(
      expect.objectContaining({ type: 'vote-response', granted: false }),
    );
  });
});

describe('pre-vote (dissertation §9.6) and quorum check (§6.2, §4.2.3)', () => {
  test('a pre-vote changes neither term nor vote of who answers', () => {
    const solo = new Solo({ term: 2, vote: 'n3' });
    solo.hear({ type: 'pre-vote', from: 'n2', to: 'n1', term: 3, lastIndex: 0, lastTerm: 0 });
    expect(solo.disk.hardState).toEqual({ term: 2, vote: 'n3', commit: 0 });
  });

  test('who asks in an earlier term is told the present one', () => {
    const solo = new Solo({ term: 5 });
    expect(
      solo.hear({ type: 'pre-vote', from: 'n2', to: 'n1', term: 3, lastIndex: 0, lastTerm: 0 }),
    ).toMatchObject([{ type: 'pre-vote-response', granted: false, term: 5 }]);
  });

  test('who has a recent leader ignores requests for votes, unless the leader asked for them', () => {
    const solo = new Solo();
    solo.hear(append('n3', 1, [0, 0], []));
    expect(solo.hear(vote('n2', 2, [9, 9]))).toEqual([]);
    expect(solo.hear({ type: 'pre-vote', from: 'n2', to: 'n1', term: 2, lastIndex: 9, lastTerm: 9 })).toEqual(
      [],
    );
    expect(solo.raft.status.term).toBe(1);
    const transfer = {
      type: 'vote',
      from: 'n2',
      to: 'n1',
      term: 2,
      lastIndex: 9,
      lastTerm: 9,
      transfer: true,
    } as const;
    expect(solo.hear(transfer)).toMatchObject([{ granted: true, term: 2 }]);
  });

  test('a leader that hears of no majority for an election timeout steps down', () => {
    const solo = new Solo();
    solo.win('n2');
    solo.tick(10);
    expect(solo.raft.status.role).toBe('follower');
  });

  test('a leader that hears of a majority goes on', () => {
    const solo = new Solo();
    solo.win('n2');
    for (let round = 0; round < 5; round += 1) {
      solo.hear({ type: 'heartbeat-response', from: 'n3', to: 'n1', term: 1, round: 0 });
      solo.tick(10);
    }
    expect(solo.raft.status.role).toBe('leader');
  });

  test('a server stuck in a later term makes the leader of an earlier one step down', () => {
    const solo = new Solo({ term: 5 });
    const [answer] = solo.hear({ type: 'heartbeat', from: 'n2', to: 'n1', term: 3, commit: 0, round: 0 });
    expect(answer).toMatchObject({ to: 'n2', term: 5 });
    const leader = new Solo();
    leader.win('n2');
    if (answer !== undefined) leader.hear({ ...answer, from: 'n3', to: 'n1' });
    expect(leader.raft.status).toMatchObject({ role: 'follower', term: 5 });
  });
});

describe('a server that is unfit to vote', () => {
  test('grants no vote and no pre-vote, asks for none, and obeys no request to take over', () => {
    const solo = new Solo({ logTerms: [1], term: 1, unfitUntil: 2 });
    expect(solo.raft.campaign()).toBe('it is unfit to vote');
    expect(
      solo.hear({ type: 'pre-vote', from: 'n2', to: 'n1', term: 2, lastIndex: 9, lastTerm: 9 }),
    ).toMatchObject([{ granted: false }]);
    expect(solo.hear(vote('n2', 2, [9, 9]))).toMatchObject([{ type: 'vote-response', granted: false }]);
    solo.hear(append('n2', 2, [1, 1], []));
    solo.hear({ type: 'timeout-now', from: 'n2', to: 'n1', term: 2 });
    solo.tick(50);
    expect(solo.raft.status).toMatchObject({ role: 'follower', term: 2, vote: null });
  });

  test('keeps the vote that it holds', () => {
    const solo = new Solo({ logTerms: [1], term: 1, vote: 'n2', unfitUntil: 2 });
    expect(solo.hear(vote('n2', 1, [1, 1]))).toMatchObject([{ granted: true }]);
  });

  test('is fit again once its commit index, durable, has got there', () => {
    const solo = new Solo({ logTerms: [1], term: 1, unfitUntil: 2 });
    solo.hear(append('n2', 1, [1, 1], [1], 2));
    expect(solo.raft.status.unfitToVote).toBe(false);
    solo.tick(20);
    expect(solo.raft.status.role).toBe('pre-candidate');
  });
});
