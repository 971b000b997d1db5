import { checkFunction, invalidArgument } from '../errors/arguments.js';
import type { Disk } from './port.js';

/** A timer that was set; `cancel` is idempotent, and does nothing once the timer has run. */
export interface Timer {
  /** Takes the timer back. */
  cancel(): void;
}

/** Something that the host should know and nobody waits for. */
export interface EnvironmentWarning {
  /** What kind it is: `KEELSON_LISTENER`, `KEELSON_SNAPSHOT_FALLBACK`. */
  readonly code: string;
  /** One sentence or more: what happened, and what to do. */
  readonly message: string;
  /** More of it, such as a stack; empty if there is none. */
  readonly detail: string;
}

/**
 * The whole outside world of the store: disk, clock, timers, randomness and the event loop.
 *
 * {@link nodeEnvironment} is the default. The simulator brings its own, and so runs the production code,
 * unchanged, on simulated disks and in virtual time.
 */
export interface Environment {
  /** The file system, real or simulated. */
  readonly disk: Disk;
  /** Milliseconds, monotonic, with fractions; the zero point means nothing. */
  now(): number;
  /**
   * Runs `run` once after at least `ms` milliseconds. A timer keeps no process alive, unless `keepsAlive` is true: then
   * somebody waits for nothing else.
   */
  setTimer(ms: number, run: () => void, keepsAlive?: boolean): Timer;
  /**
   * Runs `run` once at the end of this turn of the event loop: after everything that became ready in it,
   * so that all saves of one turn share a write (D2), and without any delay when idle.
   */
  endOfTurn(run: () => void): void;
  /**
   * Runs `run` once when every reaction of promises that is ready has run, those that they lead to among them, and before
   * the event loop goes on: what a save leads to that has just resolved need not wait for a turn. Left out: at the end of
   * the turn.
   */
  endOfReactions?(run: () => void): void;
  /** Fills `into` with random bytes, fit for identities. */
  fillRandom(into: Uint8Array): void;
  /**
   * Tells the host what no call rejects with, such as the failure of a listener; must not throw. In
   * {@link nodeEnvironment} a warning of the process. Left out: nobody hears of it.
   */
  warn?(warning: EnvironmentWarning): void;
}

/** The same environment with another disk. All of it is there, so that nothing optional is lost on the way. */
export function withDisk<D extends Disk>(
  environment: Environment,
  disk: D,
): Required<Environment> & { readonly disk: D } {
  return {
    disk,
    now: () => environment.now(),
    setTimer: (ms, run, keepsAlive) => environment.setTimer(ms, run, keepsAlive),
    endOfTurn: (run) => {
      environment.endOfTurn(run);
    },
    endOfReactions: (run) => {
      if (environment.endOfReactions === undefined) environment.endOfTurn(run);
      else environment.endOfReactions(run);
    },
    fillRandom: (into) => {
      environment.fillRandom(into);
    },
    warn: (warning) => {
      environment.warn?.(warning);
    },
  };
}

/** Resolves at the end of this turn of the event loop: what is worked off in stretches lets others go on between them. */
export function turnEnded(environment: Pick<Environment, 'endOfTurn'>): Promise<void> {
  return new Promise((resolve) => {
    environment.endOfTurn(resolve);
  });
}

/** Refuses what is no {@link Environment}, naming what of it is missing. */
export function checkEnvironment(argument: string, value: unknown): asserts value is Environment | undefined {
  if (value === undefined) return;
  if (typeof value !== 'object' || value === null) throw invalidArgument(argument, value, 'an Environment');
  for (const member of ['now', 'setTimer', 'endOfTurn', 'fillRandom'])
    checkFunction(`${argument}.${member}`, Reflect.get(value, member));
  for (const member of ['endOfReactions', 'warn']) {
    const optional: unknown = Reflect.get(value, member);
    if (optional !== undefined) checkFunction(`${argument}.${member}`, optional);
  }
  const disk: unknown = Reflect.get(value, 'disk');
  if (typeof disk !== 'object' || disk === null) throw invalidArgument(`${argument}.disk`, disk, 'a Disk');
}
