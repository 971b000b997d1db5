/** Nothing was done: another node leads, or none is known to. */
export class NotLeaderError extends Error {
  override readonly name = 'NotLeaderError';
  readonly leader: string | null;

  constructor(leader: string | null) {
    super(leader === null ? 'no leader is known' : `${leader} leads`);
    this.leader = leader;
  }
}

/** The request may have been carried out or not, and asking again is safe: writes carry a sequence, reads change nothing. */
export class TryAgainError extends Error {
  override readonly name = 'TryAgainError';
}
