import type { Environment, Timer } from '../../src/disk/environment.js';
import type { Disk } from '../../src/disk/port.js';
import type { EventQueue } from './event-queue.js';
import { Random } from './random.js';

const CANCELLED: Timer = { cancel: () => undefined };

/** What one process sees of the simulated world. */
export interface SimulatedEnvironmentOptions {
  readonly queue: EventQueue;
  readonly disk: Disk;
  /** Of the process's own random bytes. */
  readonly seed: number;
  /** False once the process has died: then its timers and ends of turn never come. */
  readonly isAlive: () => boolean;
}

/** The {@link Environment} of one simulated process: virtual time, its own random bytes, a simulated disk. */
export function simulatedEnvironment(options: SimulatedEnvironmentOptions): Environment {
  const { queue, disk, isAlive } = options;
  const random = new Random(options.seed);
  const whileAlive = (run: () => void) => (): void => {
    if (isAlive()) run();
  };
  return {
    disk,
    now: () => queue.nowMs,
    setTimer: (ms, run) => (isAlive() ? queue.timer(ms, whileAlive(run)) : CANCELLED),
    // An event of the present moment comes behind all reactions and events that are ready now.
    endOfTurn: (run) => {
      if (isAlive()) queue.after(0, whileAlive(run));
    },
    endOfReactions: (run) => {
      if (isAlive()) queue.next(whileAlive(run));
    },
    fillRandom: (into) => {
      random.fill(into);
    },
  };
}
