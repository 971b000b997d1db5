import type { Environment } from '../../../src/index.js';

/** The environment of a wrong copy, told when a log is being opened in it. */
export interface WrongEnvironment {
  readonly environment: Environment;
  opening(): void;
  opened(): void;
}

export interface WrongCopy {
  readonly name: string;
  /** What it does not do. */
  readonly says: string;
  /** Whether the disk must fail for it to matter. */
  readonly needsErrors: boolean;
  /** Types of file systems that do of their own accord what it leaves out. */
  readonly harmlessOn: readonly string[];
  around(environment: Environment): WrongEnvironment;
}

/** For copies that are as wrong at any time. */
export function always(environment: Environment): WrongEnvironment {
  return { environment, opening: () => {}, opened: () => {} };
}
