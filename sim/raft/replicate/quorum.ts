/** Smallest number of `voterCount` servers that is a majority; any two majorities share a server. */
export function majority(voterCount: number): number {
  return Math.floor(voterCount / 2) + 1;
}

/** The highest value that a majority of `values` has reached, one value a voter; 0 if there are none. */
export function quorumValue(values: readonly number[]): number {
  const descending = [...values].sort((a, b) => b - a);
  return descending[majority(values.length) - 1] ?? 0;
}

/** Where a count of votes stands. Without voters nobody wins. */
export function voteOutcome<Id>(
  voters: readonly Id[],
  votes: ReadonlyMap<Id, boolean>,
): 'won' | 'lost' | 'pending' {
  const granted = voters.filter((id) => votes.get(id) === true).length;
  const refused = voters.filter((id) => votes.get(id) === false).length;
  if (granted >= majority(voters.length)) return 'won';
  return voters.length - refused < majority(voters.length) ? 'lost' : 'pending';
}
