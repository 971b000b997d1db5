// At stake: a rule that never fires makes every clean search worthless. Each rule of a cluster is shown a history that
// breaks it, as small as can be, beside one that does not.
import { describe, expect, test } from 'vitest';
import { judgeOwnLog } from '../../../sim/cluster/judge-own-log.js';
import { judgeSent, type Sender } from '../../../sim/cluster/judge-sent.js';
import { PromisedLog } from '../../../sim/cluster/promised-log.js';
import { type LifeSeen, RaftRules } from '../../../sim/cluster/raft-rules.js';
import { RegisterState } from '../../../sim/cluster/register-state.js';
import { WaitingClients } from '../../../sim/cluster/waiting-clients.js';
import { ENTRY_KIND, type Message, type RaftStatus, type ReadySave } from '../../../sim/raft/index.js';
import { encodeConfiguration } from '../../../sim/raft/members/configuration.js';
import type { Entry } from '../../../src/raft-log/contract.js';
import { simulated } from '../../raft-log/scratch-log.js';

const FIRST = { voters: ['n1', 'n2', 'n3'], learners: [] };

const CHANGE = { kind: ENTRY_KIND.configuration, data: encodeConfiguration(FIRST) };

interface TestNode extends Sender {
  readonly seen: LifeSeen;
}

/** Three nodes, and a rule book over them. */
function scene(): { readonly rules: RaftRules; readonly nodes: readonly TestNode[] } {
  const nodes = FIRST.voters.map((id) => ({
    id,
    promised: new PromisedLog(),
    votesSent: new Map<number, string>(),
    seen: {
      term: 0,
      commit: 0,
      leads: false,
      campaigns: false,
      judged: 0,
      configuration: FIRST,
      judgedChange: -1,
    },
  }));
  const rules = new RaftRules(new Map(nodes.map((node) => [node.id, node])));
  rules.begin(FIRST);
  return { rules, nodes };
}

function entry(index: number, term: number, text = ''): Entry {
  return { index, term, kind: 0, data: new TextEncoder().encode(text) };
}

/** A save of entries that is durable at once. */
function save({ promised }: TestNode, entries: readonly Entry[], term = entries.at(-1)?.term ?? 0): void {
  promised.keep(promised.issue(request(entries, term), true));
}

function request(entries: readonly Entry[], term: number, vote: string | null = null): ReadySave {
  return { id: 1, entries, hardState: { term, vote, commit: 0 }, mustSync: true };
}

function see(rules: RaftRules, node: TestNode, change: Partial<RaftStatus>): void {
  const status = { term: 1, role: 'follower', commit: 0, durableIndex: 99, configuration: FIRST, ...change };
  rules.observe(node, node.seen, status as RaftStatus);
}

describe('rules of a cluster', () => {
  test('election safety: one leader a term', () => {
    const { rules, nodes } = scene();
    see(rules, nodes[0]!, { role: 'leader', term: 1 });
    see(rules, nodes[1]!, { role: 'leader', term: 2 });
    expect(() => see(rules, nodes[2]!, { role: 'leader', term: 2 })).toThrow(/^election-safety/);
  });

  test('log matching: one content, and one past, for each index and term', () => {
    const { rules, nodes } = scene();
    rules.offered(nodes[0]!, [entry(1, 1, 'a'), entry(2, 2, 'b')], 0);
    rules.offered(nodes[1]!, [entry(2, 2, 'b')], 1);
    expect(() => rules.offered(nodes[1]!, [entry(1, 1, 'x')], 0)).toThrow(/^log-matching/);
    expect(() => rules.offered(nodes[2]!, [entry(2, 2, 'b')], 2)).toThrow(/^log-matching/);
  });

  test('an entry is committed only if a majority holds it durably', () => {
    const { rules, nodes } = scene();
    const [n1, n2] = nodes;
    save(n1!, [entry(1, 1)]);
    n2!.promised.issue(request([entry(1, 1)], 1), true);
    expect(() => see(rules, n1!, { role: 'leader', commit: 1 })).toThrow(/^commit-without-quorum.* only n1 /);
  });

  test('leader completeness: a leader has what was committed before its term', () => {
    const { rules, nodes } = scene();
    const [n1, n2, n3] = nodes;
    for (const node of [n1!, n2!]) save(node, [entry(1, 1)]);
    see(rules, n1!, { role: 'leader', commit: 1 });
    see(rules, n2!, { role: 'leader', term: 2 });
    expect(() => see(rules, n3!, { role: 'leader', term: 3 })).toThrow(/^leader-completeness/);
  });

  test('state machine safety: nothing but what was committed is applied, the same everywhere', () => {
    const { rules, nodes } = scene();
    const [n1, n2, n3] = nodes;
    for (const node of [n1!, n2!]) save(node, [entry(1, 1, 'a')]);
    expect(() => rules.applied(n1!, entry(1, 1, 'a'), 7)).toThrow(/^state-machine-safety.*not committed/);
    see(rules, n1!, { role: 'leader', commit: 1 });
    rules.applied(n1!, entry(1, 1, 'a'), 7);
    expect(() => rules.applied(n2!, entry(1, 1, 'b'), 7)).toThrow(/^state-machine-safety.*another entry/);
    expect(() => rules.applied(n2!, entry(1, 1, 'a'), 8)).toThrow(/^state-hash/);
    save(n3!, [entry(1, 2, 'a')]);
    expect(() => see(rules, n3!, { commit: 1 })).toThrow(/^state-machine-safety.*term 1 was committed/);
  });

  test('a follower is judged by what is durable, since it may replace in memory what is on its way', () => {
    const { rules, nodes } = scene();
    const [n1, n2, n3] = nodes;
    for (const node of [n1!, n2!]) save(node, [entry(1, 2)]);
    see(rules, n1!, { role: 'leader', term: 2, commit: 1 });
    n3!.promised.issue(request([entry(1, 1)], 1), true);
    see(rules, n3!, { term: 2, commit: 1, durableIndex: 0 });
  });

  test('a leader commits by counting only what is of its own term', () => {
    const { rules, nodes } = scene();
    const [n1, n2] = nodes;
    for (const node of [n1!, n2!]) save(node, [entry(1, 1), entry(2, 3)]);
    expect(() => see(rules, n1!, { role: 'leader', term: 3, commit: 1 })).toThrow(/^commit-of-older-term/);
    see(rules, n1!, { role: 'leader', term: 3, commit: 2 });
  });

  test('who does not lead learns what is committed, and of no more than leaders have', () => {
    const { rules, nodes } = scene();
    const [n1, n2, n3] = nodes;
    for (const node of nodes) save(node, [entry(1, 1), entry(2, 1)]);
    see(rules, n1!, { role: 'leader', commit: 1 });
    see(rules, n2!, { commit: 1 });
    expect(() => see(rules, n3!, { commit: 2 })).toThrow(/^commit-without-quorum: n3 .* up to 2 .* up to 1/);
    // Who steps down upon a commit was leader when it committed.
    see(rules, n1!, { commit: 2 });
    see(rules, n2!, { commit: 2 });
  });

  test('a Raft goes by the log that its disk holds', () => {
    const [node] = scene().nodes;
    save(node!, [entry(1, 1), entry(2, 1)]);
    const judge = (durableIndex: number, lastIndex: number, lastTerm: number, isAtRest: boolean) => () =>
      judgeOwnLog(node!, { durableIndex, lastIndex, lastTerm } as RaftStatus, isAtRest);
    judge(2, 2, 1, true)();
    judge(2, 3, 2, false)();
    expect(judge(2, 3, 2, true)).toThrow(/^own-log: n1 goes by a log that ends at 3\/2/);
    expect(judge(1, 1, 1, true)).toThrow(/^own-log/);
    expect(judge(2, 2, 2, true)).toThrow(/^own-log/);
    expect(judge(3, 3, 1, false)).toThrow(/^own-log: n1 takes entries up to 3 for durable/);
    // Replaced on its way to the disk: what is there still is none of it.
    node!.promised.issue(request([entry(2, 2)], 2), true);
    judge(1, 2, 2, false)();
    expect(judge(2, 2, 2, false)).toThrow(/^own-log: n1 takes entries up to 2 for durable/);
  });

  test('one change of members at a time', () => {
    const { rules, nodes } = scene();
    const [n1, n2] = nodes;
    const change = (index: number): Entry => ({ ...entry(index, 1), ...CHANGE });
    for (const node of [n1!, n2!]) {
      rules.offered(node, [change(1)], 0);
      save(node, [change(1)]);
    }
    expect(() => rules.offered(n1!, [change(2)], 1)).toThrow(/^one-change/);
    see(rules, n1!, { role: 'leader', commit: 1 });
    rules.offered(n1!, [change(2)], 1);
  });

  test('a change of members is of one server', () => {
    const { rules, nodes } = scene();
    const change = (voters: readonly string[], learners: readonly string[] = []): Entry => {
      return {
        ...entry(1, 1),
        kind: ENTRY_KIND.configuration,
        data: encodeConfiguration({ voters, learners }),
      };
    };
    const offer = (one: Entry, term: number) => () => rules.offered(nodes[0]!, [{ ...one, term }], 0);
    expect(offer(change(['n1', 'n2', 'n4']), 1)).toThrow(/^one-change: n1 .* at 1 by which n3 n4 come, go/);
    offer(change(['n1', 'n2', 'n3'], ['n4']), 2)();
    offer(change(['n1', 'n2']), 3)();
  });

  test('a change of members counts where it is applied, and not before; who was removed leads no more', () => {
    const { rules, nodes } = scene();
    const [n1, n2] = nodes;
    const without = { voters: ['n2', 'n3'], learners: [] };
    const change = { ...entry(1, 1), kind: ENTRY_KIND.configuration, data: encodeConfiguration(without) };
    for (const node of [n1!, n2!]) {
      rules.offered(node, [change], 0);
      save(node, [change]);
    }
    see(rules, n1!, { role: 'leader', commit: 1, applied: 0 });
    see(rules, n2!, { commit: 1, applied: 0 });
    expect(() => see(rules, n2!, { commit: 1, applied: 1 })).toThrow(
      /^members: n2 has applied 1 entries, and counts by n1 n2 n3, not by n2 n3 of 1/,
    );
    see(rules, n2!, { commit: 1, applied: 1, configuration: without });
    expect(() => see(rules, n2!, { commit: 1, applied: 0, configuration: without })).toThrow(/^members/);
    const removed: Partial<RaftStatus> = { role: 'leader', commit: 1, applied: 1, configuration: without };
    expect(() => see(rules, n1!, removed)).toThrow(/^members: n1 leads in term 1, though/);
  });

  test('an entry is applied only where it is durable', () => {
    const { rules, nodes } = scene();
    const [n1, n2, n3] = nodes;
    for (const node of [n1!, n2!]) save(node, [entry(1, 1)]);
    see(rules, n1!, { role: 'leader', commit: 1 });
    rules.applied(n1!, entry(1, 1), 5);
    n3!.promised.issue(request([entry(1, 1)], 1), true);
    expect(() => rules.applied(n3!, entry(1, 1), 5)).toThrow(/^state-machine-safety: n3 .* could forget it/);
  });

  test('a read goes on once a majority has followed since it was asked for', () => {
    const { rules, nodes } = scene();
    const leads = { term: 2, configuration: FIRST } as unknown as RaftStatus;
    rules.follows('n2', 'n1', 2, 10);
    rules.judgeRead(nodes[0]!, leads, 10);
    expect(() => rules.judgeRead(nodes[0]!, leads, 11)).toThrow(/^stale-read: n1 .* only n1 of n1 n2 n3/);
    rules.follows('n3', 'n1', 1, 12);
    expect(() => rules.judgeRead(nodes[0]!, leads, 11)).toThrow(/^stale-read/);
  });

  test('no learner campaigns', () => {
    const { rules, nodes } = scene();
    const configuration = { voters: ['n2', 'n3'], learners: ['n1'] };
    expect(() => see(rules, nodes[0]!, { role: 'pre-candidate', applied: 0, configuration })).toThrow(
      /^campaign/,
    );
  });

  test('who campaigns has applied what it knows to be committed', () => {
    const { rules, nodes } = scene();
    see(rules, nodes[0]!, { role: 'candidate', applied: 0 });
    expect(() => see(rules, nodes[1]!, { role: 'pre-candidate', commit: 2, applied: 1 })).toThrow(
      /^campaign/,
    );
  });

  test('terms and commit indexes only rise', () => {
    const { rules, nodes } = scene();
    see(rules, nodes[0]!, { term: 3 });
    expect(() => see(rules, nodes[0]!, { term: 2 })).toThrow(/^monotone: n1: the term fell from 3 to 2/);
    const [n1, n2] = scene().nodes;
    for (const node of [n1!, n2!]) save(node, [entry(1, 1)]);
    n1!.seen.commit = 5;
    expect(() => see(rules, n1!, { commit: 4 })).toThrow(/^monotone: n1: the commit index fell from 5 to 4/);
  });

  test('what is said is durable: votes, campaigns, acknowledgements', () => {
    const { nodes } = scene();
    const [n1] = nodes;
    const say = (message: object) => () => judgeSent(n1!, { from: 'n1', to: 'n2', ...message } as Message);
    expect(say({ type: 'vote-response', granted: true, term: 1 })).toThrow(
      /^vote: n1 votes for n2 in term 1/,
    );
    expect(say({ type: 'vote', term: 1 })).toThrow(/^vote: n1 votes for n1 in term 1/);
    const acknowledgement = { type: 'append-response', term: 1, index: 1, rejected: null };
    expect(say(acknowledgement)).toThrow(/^acknowledgement: n1 acknowledges entries up to 1/);
    n1!.promised.keep(n1!.promised.issue(request([entry(1, 1)], 1, 'n2'), true));
    say({ type: 'vote-response', granted: true, term: 1 })();
    say(acknowledgement)();
    say({ type: 'vote-response', granted: false, term: 9 })();
    n1!.promised.keep(n1!.promised.issue(request([], 2, 'n1'), true));
    expect(say({ type: 'vote-response', granted: true, term: 1, to: 'n3' })).toThrow(
      /in which it voted for n2/,
    );
  });

  test('answers to an earlier life, and of a leader that was replaced, are noticed', () => {
    const waiting = new WaitingClients({ id: 'n1', life: 2 });
    const context = waiting.newContext();
    waiting.waitForRead(context, { committed: 1, atMs: 7 }, () => undefined);
    expect(() => waiting.confirmed({ context, index: 0 })).toThrow(/^stale-read/);
    expect(waiting.confirmed({ context, index: 1 })).toBe(7);
    expect(() => waiting.confirmed({ context: 'n1/1/1', index: 1 })).toThrow(/^stale-message/);
  });
});

describe('a snapshot of the registers', () => {
  test('is read again whole, and not if a piece is missing or of another', () => {
    const one = new RegisterState();
    one.apply(entry(1, 1, 'k=v'));
    const other = new RegisterState();
    other.apply(entry(1, 2, 'k=w'));
    const bytes = one.encode(500);
    const again = new RegisterState();
    again.restore(bytes);
    expect([again.applied, again.hash, again.value('k')]).toEqual([1, one.hash, 'v']);
    const mixed = Buffer.concat([bytes.subarray(0, 300), other.encode(500).subarray(300)]);
    for (const wrong of [bytes.subarray(0, 300), bytes.subarray(0, 9), mixed])
      expect(() => new RegisterState().restore(wrong)).toThrow(/^snapshot-whole/);
  });
});

describe('what a node must recover', () => {
  test('is what it was promised, or that and whole saves since', async () => {
    const { disk, open } = simulated();
    const log = await disk.queue.runUntil(open());
    const hardState = { term: 1, vote: null, commit: 0 };
    await disk.queue.runUntil(log.save({ entries: [entry(1, 1), entry(2, 1)], hardState }));
    const promised = (kept: readonly Entry[], pending: readonly Entry[]): PromisedLog => {
      const one = new PromisedLog();
      one.keep(one.issue(request(kept, 1), true));
      if (pending.length > 0) one.issue(request(pending, 1), true);
      return one;
    };
    expect(promised([entry(1, 1), entry(2, 1)], []).settle(log)).toEqual({ survived: 0, pending: 0 });
    expect(promised([entry(1, 1)], [entry(2, 1)]).settle(log)).toEqual({ survived: 1, pending: 1 });
    expect(promised([entry(1, 1)], []).settle(log)).toBeNull();
    expect(promised([entry(1, 1), entry(2, 1), entry(3, 1)], []).settle(log)).toBeNull();
    expect(promised([entry(1, 1)], [entry(2, 1), entry(3, 1)]).settle(log)).toBeNull();
    expect(promised([entry(1, 1), entry(2, 2)], []).settle(log)).toBeNull();
    const withSnapshot = promised([entry(1, 1), entry(2, 1)], []);
    withSnapshot.snapshotKept(1);
    expect(withSnapshot.settle(log)).toBeNull();
    const voted = new PromisedLog();
    voted.keep(voted.issue(request([entry(1, 1), entry(2, 1)], 1, 'n2'), true));
    expect(voted.settle(log)).toBeNull();
    await disk.queue.runUntil(log.close());
  });
});
