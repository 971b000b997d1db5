import type { Message } from '../raft/index.js';
import { ClusterFinding } from './cluster-finding.js';
import { describeState, lastIndexOf, type PromisedLog } from './promised-log.js';

/** Who sent, and what is sure to be on its disk. */
export interface Sender {
  readonly id: string;
  readonly promised: PromisedLog;
  /** By term, whom it voted for, over all its lives. */
  readonly votesSent: Map<number, string>;
}

/** What leaves must already be on the sender's disk: a crash right now may take all else. Throws on a breach. */
export function judgeSent(sender: Sender, message: Message): void {
  if (message.type === 'vote-response') {
    if (message.granted) judgeVote(sender, message.term, message.to);
  } else if (message.type === 'vote') {
    judgeVote(sender, message.term, sender.id);
  } else if (message.type === 'append-response' && message.rejected === null) {
    const { promised, id } = sender;
    check(sender, lastIndexOf(promised.kept) >= message.index, 'acknowledgement', () => {
      return `${id} acknowledges entries up to ${String(message.index)} to ${message.to}, and could forget them`;
    });
    check(sender, promised.kept.term >= message.term, 'acknowledgement', () => {
      return `${id} acknowledges in term ${String(message.term)}, and could forget that term`;
    });
  }
}

/** To ask for votes is to vote for oneself. */
function judgeVote(sender: Sender, inTerm: number, candidate: string): void {
  const { term, vote } = sender.promised.kept;
  check(sender, term > inTerm || (term === inTerm && vote === candidate), 'vote', () => {
    return `${sender.id} votes for ${candidate} in term ${String(inTerm)}, and could forget it`;
  });
  judgeOneVote(sender, inTerm, candidate);
}

function judgeOneVote(sender: Sender, term: number, candidate: string): void {
  const before = sender.votesSent.get(term);
  check(sender, before === undefined || before === candidate, 'vote', () => {
    return `${sender.id} votes for ${candidate} in term ${String(term)}, in which it voted for ${String(before)}`;
  });
  sender.votesSent.set(term, candidate);
}

function check(
  sender: Sender,
  isKept: boolean,
  oracle: 'vote' | 'acknowledgement',
  what: () => string,
): void {
  if (isKept) return;
  throw new ClusterFinding({
    oracle,
    what: what(),
    found: `durable: ${describeState(sender.promised.kept)}`,
  });
}
