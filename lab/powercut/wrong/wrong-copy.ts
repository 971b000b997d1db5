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
  /** What must happen often for it to matter: a disk that fails, or kills between a write and its sync. */
  readonly needs: 'errors' | 'kills' | null;
  /** Types of file systems on which what it does wrong comes to nothing. */
  readonly harmlessOn: readonly string[];
  around(environment: Environment): WrongEnvironment;
}

/** For copies that are as wrong at any time. */
export function always(environment: Environment): WrongEnvironment {
  return { environment, opening: () => {}, opened: () => {} };
}
