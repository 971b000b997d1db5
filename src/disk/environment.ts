import type { Disk } from './port.js';

/** A timer that was set; `cancel` is idempotent, and does nothing once the timer has run. */
export interface Timer {
  /** Takes the timer back. */
  cancel(): void;
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
  /** Runs `run` once after at least `ms` milliseconds. A timer never keeps a process alive. */
  setTimer(ms: number, run: () => void): Timer;
  /**
   * Runs `run` once at the end of this turn of the event loop: after everything that became ready in it,
   * so that all saves of one turn share a write (D2), and without any delay when idle.
   */
  endOfTurn(run: () => void): void;
  /** Fills `into` with random bytes, fit for identities. */
  fillRandom(into: Uint8Array): void;
}

/** What of an {@link Environment} a value lacks, as a path in it (`''` is the value itself); null if it is one. */
export function lackOfEnvironment(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return '';
  for (const member of ['now', 'setTimer', 'endOfTurn', 'fillRandom'])
    if (typeof Reflect.get(value, member) !== 'function') return member;
  const disk: unknown = Reflect.get(value, 'disk');
  return typeof disk === 'object' && disk !== null ? null : 'disk';
}
