/** Which rule of a cluster was broken. */
export const CLUSTER_ORACLES = [
  /** Two leaders of one term (Raft paper, figure 3). */
  'election-safety',
  /** One index and term, two contents or two histories. */
  'log-matching',
  /** A leader lacks what was committed before its term. */
  'leader-completeness',
  /** Two nodes applied different entries at one index, or in another order, or an entry that was not committed. */
  'state-machine-safety',
  /** Two nodes' states differ at equal index. */
  'state-hash',
  /** An entry was called committed that no majority holds durably. */
  'commit-without-quorum',
  /** A leader committed by counting what is not of its term (figure 8). */
  'commit-of-older-term',
  /** A change of members was begun while the one before it was not committed. */
  'one-change',
  /** Who asks for votes has not applied what it knows to be committed, and so may count by old members. */
  'campaign',
  /** A term, or a commit index, fell. */
  'monotone',
  /** A vote, or a campaign, was sent that the sender could forget; or two votes in one term. */
  'vote',
  /** An append or a snapshot was acknowledged that the sender's disk does not hold. */
  'acknowledgement',
  /** What a node recovered is not what it had promised. */
  'recovered-state',
  /** A message of an earlier term, or an answer to an earlier life, changed something. */
  'stale-message',
  /** No order of the clients' operations explains what they saw. */
  'linearizability',
  /** Once faults had stopped, a majority did not commit or did not converge in time. */
  'liveness',
  /** The Raft met a state that the algorithm excludes. */
  'raft-invariant',
  /** The store refused what the reference Raft asked for. */
  'refusal',
  /** Damage was reported though nothing was damaged. */
  'false-alarm',
  /** A call failed though nothing was wrong with the disk. */
  'failed-without-cause',
  /** An error that is not a KeelsonError. */
  'error-type',
] as const;

/** One of {@link CLUSTER_ORACLES}. */
export type ClusterOracle = (typeof CLUSTER_ORACLES)[number];

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
