/** Exit codes of the node and of the client, and the errors that lead to them. */
export const EXIT = {
  done: 0,
  /** A bug, or a cluster whose rules were broken. */
  broken: 1,
  usage: 2,
  /** The disk, the kernel or the network: a taken port, a failed store. */
  environment: 3,
  /** The data folder is not, or no longer, what it must be. */
  folder: 4,
  /** The cluster will not have this node. */
  refused: 5,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Ends the process with a message for the person who started it: no stack, a code. */
export class ExitError extends Error {
  override readonly name = 'ExitError';
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
  }
}
