/** Thrown when the Raft meets a state that the algorithm excludes: a bug here, or a log that broke its promise. */
export class RaftInvariantError extends Error {
  /** Tells the class across copies of the package. */
  override readonly name = 'RaftInvariantError';
}

/** Throws {@link RaftInvariantError} unless `holds`. It is better to stop a server than to let it break the log. */
export function invariant(holds: boolean, message: string): asserts holds {
  if (!holds) throw new RaftInvariantError(message);
}
