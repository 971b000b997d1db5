/** Which rule of a cluster was broken. */
export const CLUSTER_RULES = {
  'election-safety': 'Two leaders of one term (Raft paper, figure 3).',
  'log-matching': 'One index and term, two contents or two histories.',
  'leader-completeness': 'A leader lacks what was committed before its term.',
  'state-machine-safety':
    'Two nodes applied different entries at one index, or in another order, or an entry that was not committed.',
  'state-hash': "Two nodes' states differ at equal index.",
  'snapshot-whole': 'A snapshot was put together of too few pieces, or of pieces of several.',
  'commit-without-quorum': 'An entry was called committed that no majority holds durably.',
  'commit-of-older-term': 'A leader committed by counting what is not of its term (figure 8).',
  'one-change': 'A change of members was begun while the one before it was not committed.',
  members:
    'A node counts by other members than those of the entries that it has applied, or leads though it was removed.',
  campaign:
    'Who asks for votes has not applied what it knows to be committed, and so may count by old members.',
  disruption:
    'A leader that is heard was unseated, a mere question changed who was asked, or an election passed for one that a leader asked for.',
  'quorum-check': 'A leader stayed one though it had not heard from a majority for two election timeouts.',
  'hand-over':
    'Leadership was handed to who lacks entries, or entries were taken meanwhile, or it never ended.',
  monotone: 'A term, or a commit index, fell.',
  vote: 'A vote, or a campaign, was sent that the sender could forget; or two votes in one term; or one for a shorter log.',
  acknowledgement: "An append or a snapshot was acknowledged that the sender's disk does not hold.",
  'own-log': 'A Raft goes by another log than its disk holds, or takes for durable what it could forget.',
  'recovered-state': 'What a node recovered is not what it had promised.',
  'stale-message': 'A message of an earlier term, or an answer to an earlier life, changed something.',
  'stale-read':
    'A read was answered at an index below what was committed before it was asked for, or by who had not asked a majority.',
  linearizability: "No order of the clients' operations explains what they saw.",
  liveness: 'Once faults had stopped, a majority did not commit or did not converge in time.',
  'raft-invariant': 'The Raft met a state that the algorithm excludes.',
  refusal: 'The store refused what the reference Raft asked for.',
  'false-alarm': 'Damage was reported though nothing was damaged.',
  'failed-without-cause': 'A call failed though nothing was wrong with the disk.',
  'error-type': 'An error that is not a KeelsonError.',
} as const;

/** The name of such a rule, as a failure prints it. */
export type ClusterOracle = keyof typeof CLUSTER_RULES;

/** The names of all of them. */
export const CLUSTER_ORACLES: readonly ClusterOracle[] = Object.keys(CLUSTER_RULES) as ClusterOracle[];

export interface ClusterFindingFacts {
  /** The rule that was broken. */
  readonly oracle: ClusterOracle;
  /** What happened, in one sentence. */
  readonly what: string;
  /** What would have been right, one line each. */
  readonly expected?: readonly string[];
  /** What was there instead. */
  readonly found?: string;
  /** The error that showed it, if one did. */
  readonly cause?: unknown;
}

/** Thrown by an oracle; ends the run. Any other error that leaves a run is the simulator's own fault. */
export class ClusterFinding extends Error {
  override readonly name = 'ClusterFinding';
  readonly facts: ClusterFindingFacts;

  constructor(facts: ClusterFindingFacts) {
    super(`${facts.oracle}: ${facts.what}`, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.facts = facts;
  }
}
