import type { Entry } from '../../src/raft-log/contract.js';
import { type Configuration, decodeConfiguration, ENTRY_KIND, type RaftStatus } from '../raft/index.js';
import { ClusterFinding, type ClusterOracle } from './cluster-finding.js';
import { lastIndexOf, type PromisedLog, type PromisedState, termAt } from './promised-log.js';
import { hashOfEntry } from './register-state.js';

/** What the rules know of a node: its name, and what its disk must hold. */
export interface JudgedNode {
  readonly id: string;
  readonly promised: PromisedLog;
}

/** How far one life of a node has been judged. */
export interface LifeSeen {
  term: number;
  commit: number;
  leads: boolean;
  /** It asks for votes, or for pre-votes. */
  campaigns: boolean;
  /** Committed entries up to here have been compared. */
  judged: number;
  configuration: Configuration;
  /** Its members have been compared as of this change. */
  judgedChange: number;
}

interface Committed {
  readonly term: number;
  /** Highest term of a node that had committed it when it was first seen so. */
  readonly inTerm: number;
}

/** An index and a term as one number, exact below 2^21 terms. */
function place(index: number, term: number): number {
  return index * 2 ** 21 + term;
}

/** The properties of figure 3 of the Raft paper, over all nodes and all time. Throws on a breach. */
export class RaftRules {
  readonly #nodes: ReadonlyMap<string, JudgedNode>;
  readonly #leaders: Map<number, string> = new Map<number, string>();
  /** By index and term, what stands there, and the term before it: log matching, by induction. */
  readonly #contents: Map<number, number> = new Map<number, number>();
  readonly #configurations: Map<number, Configuration> = new Map<number, Configuration>();
  /** By index - 1. */
  readonly #committed: Committed[] = [];
  readonly #applied: Map<number, number> = new Map<number, number>();
  readonly #states: Map<number, number> = new Map<number, number>();

  /** How far any leader has committed. */
  #ledTo = 0;

  /** `node>leader`: when the one last answered the other, and in which term. */
  readonly #followed: Map<string, { readonly term: number; readonly atMs: number }> = new Map();

  /** Committed configurations in order, the first of all before them. */
  readonly #history: { readonly index: number; readonly configuration: Configuration }[] = [];

  constructor(nodes: ReadonlyMap<string, JudgedNode>) {
    this.#nodes = nodes;
  }

  /** The configuration in which the cluster begins. */
  begin(configuration: Configuration): void {
    this.#history.push({ index: 0, configuration });
  }

  /**
   * The configurations by which a node with one of these logs may count. Whoever holds a change in its log knows
   * that the change before it is committed (membership.ts), so nobody counts by an older one than the last but one.
   */
  configurationsInPlay(logs: readonly PromisedState[]): readonly Configuration[] {
    const last = this.#history.at(-1)?.index ?? 0;
    const found = new Set(this.#history.slice(-2).map(({ configuration }) => configuration));
    for (const log of logs) {
      for (let index = Math.max(last, log.boundaryIndex) + 1; index <= lastIndexOf(log); index += 1) {
        const configuration = this.configurationAt(index, termAt(log, index) ?? 0);
        if (configuration !== null) found.add(configuration);
      }
    }
    return [...found];
  }

  get commitMax(): number {
    return this.#committed.length;
  }

  committedTerm(index: number): number | null {
    return this.#committed[index - 1]?.term ?? null;
  }

  /** The content of a configuration entry that some node was given to save. */
  configurationAt(index: number, term: number): Configuration | null {
    return this.#configurations.get(place(index, term)) ?? null;
  }

  /** A node is about to save these, behind an entry of `prevTerm` (null: not known). */
  offered(node: JudgedNode, entries: readonly Entry[], prevTerm: number | null): void {
    let before = prevTerm;
    for (const entry of entries) {
      const { index, term, kind, data } = entry;
      if (before !== null) {
        const content = hashOfEntry(entry, before);
        same(this.#contents, place(index, term), content, 'log-matching', () => {
          return `${node.id} saves at ${String(index)} of term ${String(term)} another entry, or one with another past, than was saved there before`;
        });
      }
      if (kind === ENTRY_KIND.configuration) {
        const configuration = decodeConfiguration(data);
        this.#judgeChange(node, index, term, configuration);
        this.#configurations.set(place(index, term), configuration);
      }
      before = term;
    }
  }

  /** A node applies an entry; `hash` is its state's afterwards. */
  applied(node: JudgedNode, entry: Entry, hash: number): void {
    const { index, term } = entry;
    const committed = this.committedTerm(index);
    check(committed === term, 'state-machine-safety', () => {
      const known = committed === null ? 'it was not committed' : `term ${String(committed)} was committed`;
      return `${node.id} applies entry ${String(index)} of term ${String(term)}, but ${known}`;
    });
    // A state machine ahead of its log would, after a crash, have done what its server knows nothing of.
    check(holds(node.promised.kept, index, term), 'state-machine-safety', () => {
      return `${node.id} applies entry ${String(index)} of term ${String(term)}, and could forget it`;
    });
    same(this.#applied, index, hashOfEntry(entry, 0), 'state-machine-safety', () => {
      return `${node.id} applies at ${String(index)} another entry than was applied there before`;
    });
    this.stands(node, index, hash);
  }

  /** A node's state as of an index: after applying it, or out of a snapshot. */
  stands(node: JudgedNode, index: number, hash: number): void {
    same(
      this.#states,
      index,
      hash,
      'state-hash',
      () => `${node.id}: at ${String(index)} the state's hash is ${String(hash)}, another node's is not`,
    );
  }

  /** After every step of a node. */
  observe(node: JudgedNode, seen: LifeSeen, status: RaftStatus): void {
    const { term, commit, role, configuration } = status;
    check(
      term >= seen.term,
      'monotone',
      () => `${node.id}: the term fell from ${String(seen.term)} to ${String(term)}`,
    );
    check(
      commit >= seen.commit,
      'monotone',
      () => `${node.id}: the commit index fell from ${String(seen.commit)} to ${String(commit)}`,
    );
    this.#judgeOwnTerm(node, seen, status);
    this.#judgeCampaign(node, seen, status);
    this.#judgeLearned(node, seen, status);
    seen.term = term;
    seen.commit = commit;
    this.#judgeCommit(node, seen, status);
    this.#judgeMembers(node, seen, status);
    seen.configuration = configuration;
    if (role !== 'leader') return;
    const isNew = !this.#leaders.has(term);
    same(
      this.#leaders,
      term,
      node.id,
      'election-safety',
      () => `${node.id} leads in term ${String(term)}, as ${String(this.#leaders.get(term))} did`,
    );
    if (isNew) this.#judgeLeader(node, term);
  }

  /**
   * Dissertation 4.1: one server at a time. Whoever first saves a change knows that the one before it is committed, and
   * changes what that one made.
   */
  #judgeChange(node: JudgedNode, index: number, term: number, configuration: Configuration): void {
    if (this.#configurations.has(place(index, term))) return;
    const { newest } = node.promised;
    for (let before = this.commitMax + 1; before < index; before += 1)
      check(this.configurationAt(before, termAt(newest, before) ?? -1) === null, 'one-change', () => {
        return `${node.id} saves a change of members at ${String(index)}, while the one at ${String(before)} is not committed`;
      });
    const last = this.#history.findLast((one) => one.index < index);
    const servers = last === undefined ? [] : changedServers(last.configuration, configuration);
    check(servers.length <= 1, 'one-change', () => {
      return `${node.id} saves a change at ${String(index)} by which ${servers.join(' ')} come, go or change their part at once`;
    });
  }

  /** 5.4.2, figure 8: by counting a leader commits only what is of its own term. */
  #judgeOwnTerm({ id, promised }: JudgedNode, seen: LifeSeen, { role, term, commit }: RaftStatus): void {
    if (role !== 'leader' || commit <= seen.commit) return;
    const at = termAt(promised.newest, commit);
    check(at === null || at === term, 'commit-of-older-term', () => {
      return `${id} leads in term ${String(term)} and commits up to ${String(commit)}, an entry of term ${String(at)}`;
    });
  }

  /** 5.3: only who leads commits; the others learn of it, and of no more. */
  #judgeLearned({ id }: JudgedNode, seen: LifeSeen, { role, commit }: RaftStatus): void {
    const leads = role === 'leader';
    // It may have stepped down upon the very commit that removed it.
    if (leads || seen.leads) this.#ledTo = Math.max(this.#ledTo, commit);
    seen.leads = leads;
    check(commit <= this.#ledTo, 'commit-without-quorum', () => {
      return `${id} holds entries up to ${String(commit)} for committed, of which leaders have committed those up to ${String(this.#ledTo)}`;
    });
  }

  /** Dissertation 4.1: who campaigns counts by the newest members that it knows to be committed. 4.2.1: no learner does. */
  #judgeCampaign(
    { id }: JudgedNode,
    seen: LifeSeen,
    { role, applied, commit, configuration: { learners } }: RaftStatus,
  ): void {
    const campaigns = role === 'candidate' || role === 'pre-candidate';
    check(!campaigns || seen.campaigns || !learners.includes(id), 'campaign', () => {
      return `${id} campaigns, and is a learner`;
    });
    check(!campaigns || seen.campaigns || applied >= commit, 'campaign', () => {
      return `${id} campaigns, and has applied ${String(applied)} of ${String(commit)} committed entries`;
    });
    seen.campaigns = campaigns;
  }

  /** A change of members counts where it is applied, there and nowhere else; a leader that it leaves out leads no more. */
  #judgeMembers({ id, promised }: JudgedNode, seen: LifeSeen, status: RaftStatus): void {
    const { role, term, applied, configuration } = status;
    // A node that waits to be added knows of no members before it applies a change.
    if (configuration.voters.length === 0) return;
    const last = this.#history.findLast(({ index }) => index <= applied);
    if (last === undefined) return;
    if (configuration !== seen.configuration || last.index !== seen.judgedChange)
      check(changedServers(last.configuration, configuration).length === 0, 'members', () => {
        return `${id} has applied ${String(applied)} entries, and counts by ${membersText(configuration)}, not by ${membersText(last.configuration)} of ${String(last.index)}`;
      });
    seen.judgedChange = last.index;
    const isRemoved = !configuration.voters.includes(id) && termAt(promised.newest, applied) === term;
    check(role !== 'leader' || !isRemoved, 'members', () => {
      return `${id} leads in term ${String(term)}, though it has applied that it was removed`;
    });
  }

  /** A node has said, in its term, that this leader is its own. */
  follows(id: string, leader: string, term: number, atMs: number): void {
    this.#followed.set(`${id}>${leader}`, { term, atMs });
  }

  /**
   * Dissertation 6.4: a leader lets a read go on once a majority has said, since it was asked for, that it leads.
   */
  judgeRead({ id }: JudgedNode, { term, configuration: { voters } }: RaftStatus, askedMs: number): void {
    const following = voters.filter((voter) => {
      const said = this.#followed.get(`${voter}>${id}`);
      return voter === id || (said?.term === term && said.atMs >= askedMs);
    });
    check(2 * following.length > voters.length, 'stale-read', () => {
      return `${id} lets a read go on in term ${String(term)}, but since it was asked for only ${following.join(' ')} of ${voters.join(' ')} said that ${id} leads`;
    });
  }

  /** Whether this node is the first to lead in its term. */
  hasLed(term: number): boolean {
    return this.#leaders.has(term);
  }

  #judgeCommit(node: JudgedNode, seen: LifeSeen, status: RaftStatus): void {
    const state = node.promised.newest;
    // A follower may have replaced in memory what is still on its way to its disk; a leader replaces nothing.
    const held = status.role === 'leader' ? lastIndexOf(state) : status.durableIndex;
    const until = Math.min(status.commit, held);
    for (let index = Math.max(seen.judged, state.boundaryIndex - 1) + 1; index <= until; index += 1) {
      const term = termAt(state, index);
      if (term === null || index === 0) continue;
      const known = this.committedTerm(index);
      if (known === null) {
        if (index !== this.commitMax + 1) continue;
        this.#judgeQuorum(node, index, term, this.#countedBy(seen, status));
        this.#committed.push({ term, inTerm: status.term });
        const configuration = this.configurationAt(index, term);
        if (configuration !== null) this.#history.push({ index, configuration });
      } else {
        check(known === term, 'state-machine-safety', () => {
          return `${node.id} holds entry ${String(index)} of term ${String(term)} for committed, but term ${String(known)} was committed there`;
        });
      }
    }
    seen.judged = Math.max(seen.judged, until);
  }

  /**
   * By which configurations the one may have counted who committed first. A leader whose own disk lags commits what
   * only others hold, by a configuration that it has not applied: then a follower is seen to know of it first.
   */
  #countedBy(seen: LifeSeen, status: RaftStatus): readonly Configuration[] {
    const own = [seen.configuration, status.configuration];
    if (status.role === 'leader') return own;
    return [...own, ...this.#history.slice(-2).map(({ configuration }) => configuration)];
  }

  /** Whoever commits first must be right: some majority holds the entry, durably. */
  #judgeQuorum(
    node: JudgedNode,
    index: number,
    term: number,
    configurations: readonly Configuration[],
  ): void {
    // What a node acknowledged before it lost its tail counts: it does not vote before it has it again.
    const holders = [...this.#nodes.values()].filter(({ promised }) => {
      const { kept, onceKept } = promised;
      return holds(kept, index, term) || (onceKept !== null && holds(onceKept, index, term));
    });
    const ids = new Set(holders.map(({ id }) => id));
    const isKept = configurations.some(({ voters }) => {
      return voters.length > 0 && 2 * voters.filter((id) => ids.has(id)).length > voters.length;
    });
    check(isKept, 'commit-without-quorum', () => {
      const voters = configurations.map((each) => each.voters.join(' ')).join(' or ');
      return `${node.id} holds entry ${String(index)} of term ${String(term)} for committed; of the voters ${voters} only ${[...ids].join(' ')} hold it durably`;
    });
  }

  #judgeLeader(node: JudgedNode, term: number): void {
    const state = node.promised.newest;
    this.#committed.forEach((committed, at) => {
      const index = at + 1;
      if (committed.inTerm >= term || index < state.boundaryIndex) return;
      check(termAt(state, index) === committed.term, 'leader-completeness', () => {
        return `${node.id} leads in term ${String(term)} with term ${String(termAt(state, index))} at ${String(index)}, where term ${String(committed.term)} was committed`;
      });
    });
  }
}

function membersText({ voters, learners }: Configuration): string {
  return `${voters.join(' ')}${learners.length === 0 ? '' : `, learners ${learners.join(' ')}`}`;
}

/** Those whose part differs. */
function changedServers(a: Configuration, b: Configuration): readonly string[] {
  const partIn = ({ voters, learners }: Configuration, id: string): number =>
    voters.includes(id) ? 2 : Number(learners.includes(id));
  const all = new Set([...a.voters, ...a.learners, ...b.voters, ...b.learners]);
  return [...all].filter((id) => partIn(a, id) !== partIn(b, id));
}

/** Whether a log holds an entry, or a snapshot in its place. */
export function holds(state: PromisedState, index: number, term: number): boolean {
  return index < state.boundaryIndex || termAt(state, index) === term;
}

function same<K, V>(known: Map<K, V>, key: K, value: V, oracle: ClusterOracle, what: () => string): void {
  const before = known.get(key);
  check(before === undefined || before === value, oracle, what);
  if (before === undefined) known.set(key, value);
}

function check(isKept: boolean, oracle: ClusterOracle, what: () => string): void {
  if (!isKept) throw new ClusterFinding({ oracle, what: what() });
}
