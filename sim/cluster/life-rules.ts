import type { Message, RaftStatus } from '../raft/index.js';
import { ClusterFinding, type ClusterOracle } from './cluster-finding.js';

/** What the rules of a life ask of its Raft's options. */
interface Timing {
  readonly electionTicks: number;
}

/**
 * What one life of a node owes to those around it, as the dissertation says it: that nobody unseats a leader who works,
 * that a leader who hears nobody steps down, and how leadership is handed over. Counted in the ticks that this life was
 * given, from the messages that it took. Throws on a breach.
 */
export class LifeRules {
  readonly #id: string;
  readonly #electionTicks: number;
  #ticks = 0;
  /** When its leader's last word came. */
  #leaderHeardAt = 0;
  /** When each peer's last word came, since it leads. */
  readonly #heardAt: Map<string, number> = new Map<string, number>();
  #leadsSince = 0;
  /** What its own patience is counted from: a hand-over begins it anew. */
  #handOverAt = 0;
  /** The term in which its leader told it to campaign at once. */
  #toldToCampaignIn = -1;

  constructor(id: string, { electionTicks }: Timing) {
    this.#id = id;
    this.#electionTicks = electionTicks;
  }

  ticks(): void {
    this.#ticks += 1;
  }

  /** A tick made it what it is after. 5.2: who hears its leader waits. */
  ticked(before: RaftStatus, after: RaftStatus): void {
    const isPatient = before.role !== 'follower' || after.role === 'follower' || !this.#hearsLeader(before);
    this.#check(isPatient, 'disruption', () => {
      return `hears ${String(before.leader)} in term ${String(before.term)}, and campaigns`;
    });
  }

  /** It was asked to hand over. */
  handsOver(): void {
    this.#handOverAt = this.#ticks;
  }

  /** It took a message. */
  took(message: Message, before: RaftStatus): void {
    this.#heardAt.set(message.from, this.#ticks);
    if (isWordOfLeader(message) && message.term >= before.term) this.#leaderHeardAt = this.#ticks;
    if (message.type === 'timeout-now' && message.from === before.leader)
      this.#toldToCampaignIn = message.term;
  }

  /** It was asked for its vote, which made it what it is after. 4.2.3, 9.6: a leader that is heard stays. */
  asked(
    message: Extract<Message, { readonly type: 'pre-vote' | 'vote' }>,
    before: RaftStatus,
    after: RaftStatus,
  ): void {
    const isFree = message.type === 'vote' && (message.transfer || !this.#hearsLeader(before));
    const { term, vote, role, leader } = after;
    const isSame =
      term === before.term && vote === before.vote && role === before.role && leader === before.leader;
    this.#check(isFree || isSame || message.term === before.term, 'disruption', () => {
      return `hears ${String(before.leader)} in term ${String(before.term)}, is asked a ${message.type} by ${message.from}, and is ${role} in term ${String(term)}`;
    });
    // 5.4.1: the election restriction, where the vote is given.
    const isGiven = vote === message.from && (vote !== before.vote || term !== before.term);
    const isUpToDate =
      message.lastTerm > before.lastTerm ||
      (message.lastTerm === before.lastTerm && message.lastIndex >= before.lastIndex);
    this.#check(!isGiven || isUpToDate, 'vote', () => {
      return `votes for ${message.from}, whose log ends at ${String(message.lastIndex)}/${String(message.lastTerm)}, before its own`;
    });
  }

  /** What it is about to say, being what it is. */
  sends(message: Message, now: RaftStatus): void {
    if (message.type === 'timeout-now') {
      const match = now.members.get(message.to)?.match ?? 0;
      this.#check(match === now.lastIndex, 'hand-over', () => {
        return `tells ${message.to} to campaign, which holds ${String(match)} of ${String(now.lastIndex)} entries`;
      });
    }
    if (message.type === 'vote')
      this.#check(!message.transfer || this.#toldToCampaignIn === message.term - 1, 'disruption', () => {
        return `asks ${message.to} for its vote in term ${String(message.term)} as if a leader had told it to`;
      });
    if (message.type === 'pre-vote-response')
      this.#check(!message.granted || !this.#hearsLeader(now), 'disruption', () => {
        return `would vote for ${message.to}, while it hears ${String(now.leader)}`;
      });
  }

  /** It came to rest, after whatever happened to it. */
  turned(before: RaftStatus, after: RaftStatus): void {
    if (after.role !== 'leader') return;
    const isSame = before.role === 'leader' && before.term === after.term;
    // A member that was just added has had no chance to be heard.
    if (!isSame || before.configuration !== after.configuration) {
      this.#leadsSince = this.#ticks;
      this.#heardAt.clear();
    }
    this.#judgeQuorum(after);
    if (!isSame || after.transferee === null || before.transferee !== after.transferee) return;
    this.#check(before.lastIndex === after.lastIndex, 'hand-over', () => {
      return `takes entry ${String(after.lastIndex)}, while it hands over to ${String(after.transferee)}`;
    });
    this.#check(this.#ticks - this.#handOverAt <= this.#electionTicks + 1, 'hand-over', () => {
      return `waits for ${String(after.transferee)} to lead for longer than an election timeout`;
    });
  }

  /** Dissertation 6.2. Two checks of its own may lie between the last word and the one that misses it. */
  #judgeQuorum({ configuration: { voters } }: RaftStatus): void {
    const since = this.#ticks - 2 * this.#electionTicks - 1;
    if (Math.max(this.#leadsSince, this.#handOverAt) > since) return;
    const heard = voters.filter((id) => id === this.#id || (this.#heardAt.get(id) ?? -1) > since);
    this.#check(2 * heard.length > voters.length, 'quorum-check', () => {
      return `leads, and of ${voters.join(' ')} has heard only ${heard.join(' ')} for two election timeouts`;
    });
  }

  #hearsLeader({ leader, role }: RaftStatus): boolean {
    if (role === 'leader') return true;
    return leader !== null && this.#ticks - this.#leaderHeardAt < this.#electionTicks;
  }

  #check(isKept: boolean, oracle: ClusterOracle, what: () => string): void {
    if (!isKept) throw new ClusterFinding({ oracle, what: `${this.#id} ${what()}` });
  }
}

function isWordOfLeader({ type }: Message): boolean {
  return type === 'append' || type === 'heartbeat' || type === 'snapshot-chunk';
}
