/** What a Raft server must never forget (Raft paper, figure 2), and the commit index, which saves it work. */
export interface HardState {
  /** Latest term the server has seen. Never falls. */
  readonly term: number;
  /** Candidate that got the vote in `term` (1..255 bytes of UTF-8), or null. Changes only with the term, or from null. */
  readonly vote: string | null;
  /** Highest index known committed. Never falls, and never passes `lastIndex`; entries up to it can no more be replaced. */
  readonly commit: number;
}
