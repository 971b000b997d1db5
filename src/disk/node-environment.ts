import { randomFillSync } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { nextTick } from 'node:process';
import { clearTimeout, setImmediate, setTimeout } from 'node:timers';
import type { Environment, EnvironmentWarning, Timer } from './environment.js';
import { NodeDisk, type NodeDiskOptions } from './node-disk.js';

// From their modules, and the clock as it is now: a test of the host that puts its own time in the place of the global
// functions (fake timers) stops its own code, and shall not stop the log, whose saves wait for the end of a turn.
const now = performance.now.bind(performance);

const settled = Promise.resolve();

/** Longest delay that Node's timers hold; they fire at once when given more. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * The default {@link Environment}: the operating system's files, Node's monotonic clock, timers, event loop
 * and random bytes. The one place where production code meets them. Stateless; each call makes a new one.
 *
 * @param options - who may use the files and directories that are made
 */
export function nodeEnvironment(options: NodeDiskOptions = {}): Environment {
  return {
    disk: new NodeDisk(options),
    // A10: monotonic; never the time of day, which may jump.
    now,
    setTimer,
    // The check phase: behind every callback of I/O that became ready in this turn (D2), and reached without
    // delay when nothing is.
    endOfTurn: (run) => {
      setImmediate(run);
    },
    // Callbacks of the next tick come behind all reactions, but those that are queued in one of them ahead: so from a reaction.
    endOfReactions: (run) => {
      void settled.then(() => {
        nextTick(run);
      });
    },
    // A11: what is drawn here never meets what another process, or a later one, draws.
    fillRandom: (into) => {
      randomFillSync(into);
    },
    warn,
  };
}

function warn({ code, message, detail }: EnvironmentWarning): void {
  process.emitWarning(message, { type: 'KeelsonWarning', code, detail });
}

function setTimer(ms: number, run: () => void, keepsAlive = false): Timer {
  if (!(ms <= TIMER_MS_MAX)) throw new RangeError(`a timer of ${ms} ms is longer than ${TIMER_MS_MAX} ms`);
  const timer = setTimeout(run, ms);
  if (!keepsAlive) timer.unref();
  return {
    cancel: () => {
      clearTimeout(timer);
    },
  };
}
