import { isKeelsonError } from '../errors/index.js';
import type { Command } from './help.js';

/** Exit codes; docs/cli.md says them to people, and scripts branch on them. */
export const EXIT = {
  /** The store is sound, or the repair is done. */
  sound: 0,
  /** Something on the disk is not what was written there. */
  damage: 1,
  /** The command line cannot be followed. */
  usage: 2,
  /** Locked, unreadable, not there, no log: the store itself was not judged. So is an answer that cannot be written. */
  environment: 3,
  /** Ended by SIGINT, as shells have it. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A command line that cannot be followed; the message is for the person who typed it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  /** The command that was meant; null if that cannot be told. */
  readonly command: Command | null;

  constructor(message: string, command: Command | null = null) {
    super(message);
    this.command = command;
  }
}

/** The exit code for what a command threw. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return EXIT.usage;
  if (!isKeelsonError(error)) return EXIT.environment;
  if (error.code === 'KEELSON_ABORTED') return EXIT.interrupted;
  if (error.code === 'KEELSON_INVALID_ARGUMENT') return EXIT.usage;
  return error.family === 'damage' ? EXIT.damage : EXIT.environment;
}
