// At stake: what a node owes to those around it is asked of none if its rule never fires. Each rule of a life is shown
// messages and states that break it, as few as can be, beside some that do not.
import { describe, expect, test } from 'vitest';
import { LifeRules } from '../../../sim/cluster/life-rules.js';
import type { Message, RaftStatus } from '../../../sim/raft/index.js';

const CONFIGURATION = { voters: ['n1', 'n2', 'n3'], learners: [] };

function state(change: Partial<RaftStatus> = {}): RaftStatus {
  const status: Partial<RaftStatus> = {
    term: 3,
    vote: null,
    role: 'follower',
    leader: 'n2',
    lastIndex: 5,
    lastTerm: 3,
    transferee: null,
    configuration: CONFIGURATION,
    members: new Map([['n3', { match: 4, next: 6, state: 'replicate' }]]),
    ...change,
  };
  return status as RaftStatus;
}

function message(type: Message['type'], change: object = {}): Message {
  return { type, from: 'n3', to: 'n1', term: 4, lastIndex: 5, lastTerm: 3, ...change } as Message;
}

function asked(
  type: 'pre-vote' | 'vote',
  change: object = {},
): Extract<Message, { type: 'pre-vote' | 'vote' }> {
  return message(type, { transfer: false, ...change }) as Extract<Message, { type: 'pre-vote' | 'vote' }>;
}

/** A life whose timeout is three ticks, which has just heard its leader. */
function life(): LifeRules {
  const rules = new LifeRules('n1', { electionTicks: 3 });
  rules.took(message('heartbeat', { from: 'n2', term: 3 }), state());
  return rules;
}

function tick(rules: LifeRules, count: number): void {
  for (let left = count; left > 0; left -= 1) rules.ticks();
}

describe('rules of a life', () => {
  test('a leader that is heard stays, unless it asked for the election itself', () => {
    const moved = state({ term: 4, vote: 'n3', leader: null });
    const rules = life();
    tick(rules, 2);
    rules.asked(asked('vote'), state(), state());
    expect(() => rules.asked(asked('vote'), state(), moved)).toThrow(
      /^disruption: n1 hears n2 in term 3, is asked a vote by n3, and is follower in term 4/,
    );
    rules.asked(asked('vote', { transfer: true }), state(), moved);
    tick(rules, 1);
    rules.asked(asked('vote'), state(), moved);
    const leads = state({ role: 'leader', leader: 'n1' });
    expect(() => rules.asked(asked('vote'), leads, moved)).toThrow(/^disruption/);
  });

  test('who hears its leader waits', () => {
    const rules = life();
    const asks = state({ role: 'pre-candidate', leader: null });
    tick(rules, 2);
    rules.ticked(state(), state());
    expect(() => rules.ticked(state(), asks)).toThrow(/^disruption: n1 hears n2 in term 3, and campaigns/);
    tick(rules, 1);
    rules.ticked(state(), asks);
  });

  test('a mere question changes nothing, and is not granted while a leader is heard', () => {
    const rules = life();
    const grant = message('pre-vote-response', { from: 'n1', to: 'n3', granted: true });
    expect(() => rules.sends(grant, state())).toThrow(/^disruption: n1 would vote for n3, while it hears n2/);
    tick(rules, 3);
    rules.sends(grant, state());
    expect(() => rules.asked(asked('pre-vote'), state(), state({ term: 4 }))).toThrow(/^disruption/);
  });

  test('a vote goes to no shorter log', () => {
    const rules = life();
    tick(rules, 3);
    const given = state({ term: 4, vote: 'n3', leader: null });
    rules.asked(asked('vote'), state(), given);
    expect(() => rules.asked(asked('vote', { lastIndex: 4 }), state(), given)).toThrow(
      /^vote: n1 votes for n3/,
    );
    expect(() => rules.asked(asked('vote', { lastTerm: 2, lastIndex: 9 }), state(), given)).toThrow(/^vote/);
  });

  test('an election passes for one that was asked for only if it was', () => {
    const rules = life();
    const vote = message('vote', { from: 'n1', to: 'n3', transfer: true });
    expect(() => rules.sends(vote, state())).toThrow(/^disruption: n1 asks n3 for its vote in term 4/);
    rules.took(message('timeout-now', { from: 'n2', term: 3 }), state());
    rules.sends(vote, state());
  });

  test('leadership goes to who holds all, takes nothing meanwhile, and does not wait for ever', () => {
    const rules = life();
    const leads = state({ role: 'leader', leader: 'n1', transferee: 'n3' });
    const go = message('timeout-now', { from: 'n1', to: 'n3', term: 3 });
    expect(() => rules.sends(go, leads)).toThrow(/^hand-over: n1 tells n3 to campaign, which holds 4 of 5/);
    rules.handsOver();
    rules.turned(state({ role: 'leader', leader: 'n1' }), leads);
    tick(rules, 4);
    rules.turned(leads, leads);
    expect(() => rules.turned(leads, { ...leads, lastIndex: 6 })).toThrow(/^hand-over: n1 takes entry 6/);
    tick(rules, 1);
    expect(() => rules.turned(leads, leads)).toThrow(/^hand-over: n1 waits for n3/);
  });

  test('a leader that hears no majority for two timeouts is none', () => {
    const rules = life();
    const leads = state({ role: 'leader', leader: 'n1' });
    rules.turned(state(), leads);
    tick(rules, 6);
    rules.turned(leads, leads);
    rules.took(message('heartbeat-response', { term: 3 }), leads);
    tick(rules, 6);
    rules.turned(leads, leads);
    tick(rules, 1);
    expect(() => rules.turned(leads, leads)).toThrow(
      /^quorum-check: n1 leads, and of n1 n2 n3 has heard only n1/,
    );
  });
});
