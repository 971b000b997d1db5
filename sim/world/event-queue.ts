import type { Timer } from '../../src/disk/environment.js';
import { eachTimeSettled, settlePromises } from './settle-promises.js';

/** Thrown when work waits for something and no event is left that could bring it. */
export class SimulatedDeadlock extends Error {
  /** Tells the class across copies of the package. */
  override readonly name = 'SimulatedDeadlock';
}

/** One class rather than a literal with a closure: each call of a disk and each message makes one. */
class QueuedEvent implements Timer {
  declare readonly atMs: number;
  declare readonly order: number;
  /** Whether the process must stay alive for it, as for a call under way, or need not, as for a timer. */
  declare readonly isAwaited: boolean;
  /** Null once it has run or was cancelled. */
  declare run: (() => void) | null;

  constructor(atMs: number, order: number, isAwaited: boolean, run: () => void) {
    this.atMs = atMs;
    this.order = order;
    this.isAwaited = isAwaited;
    this.run = run;
  }

  cancel(): void {
    this.run = null;
  }
}

/** How virtual time is driven. */
export interface EventQueueOptions {
  /**
   * - `'auto'` (default): events run by themselves whenever some are queued, so that code under test may
   *   simply be awaited.
   * - `'manual'`: only {@link EventQueue.runUntil} and {@link EventQueue.runUntilIdle} run them.
   */
  readonly drive?: 'auto' | 'manual';
}

/** Goes ahead of the order of arrival: no run has so many events. */
const AHEAD = 2 ** 40;
/** Events run by themselves in such pieces; between two pieces the real event loop has its turn. */
const EVENTS_PER_TURN = 256;

/**
 * Virtual time, and all that will happen in it: one queue, ordered by time and then by order of arrival.
 * Between two events every promise reaction that is ready runs, so events and reactions interleave in one
 * order only. Nothing here looks at a real clock.
 */
export class EventQueue {
  readonly #drive: 'auto' | 'manual';
  readonly #heap: QueuedEvent[] = [];
  #nowMs = 0;
  #order = 0;
  #awaitedCount = 0;
  /** Whether a caller runs the queue; while none does, it may drive itself. */
  #isRun = false;
  /** Counts drivers: a loop that finds another number than its own has been relieved. */
  #driver = 0;
  #drivesItself = false;

  constructor(options: EventQueueOptions = {}) {
    this.#drive = options.drive ?? 'auto';
  }

  /** Virtual milliseconds since the queue was made. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Lets time pass inside one call that works inline; events that fall due meanwhile run after it. */
  elapse(ms: number): void {
    this.#nowMs += ms;
  }

  /** Runs `run` once, `ms` from now. */
  after(ms: number, run: () => void): Timer {
    return this.#queue(ms, run, true);
  }

  /** Runs `run` once, behind all reactions that are ready and ahead of all events of the present moment. */
  next(run: () => void): void {
    this.#queue(0, run, true, this.#order - AHEAD);
  }

  /** As {@link after}, but no reason for the real process to stay alive. */
  timer(ms: number, run: () => void): Timer {
    return this.#queue(ms, run, false);
  }

  /** Runs events until `work` has settled, and settles as it does. */
  async runUntil<T>(work: Promise<T>): Promise<T> {
    if (this.#isRun) return work;
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    work.then(settle, settle);
    this.#takeOver();
    try {
      await eachTimeSettled(() => settled || !this.#runNext());
      if (settled) return await work;
      throw new SimulatedDeadlock(`at ${this.#nowMs} ms work waits, but no event is left`);
    } finally {
      this.#release();
    }
  }

  /** Runs events until none is left, or until virtual time has come to `untilMs`. */
  async runUntilIdle(untilMs: number = Infinity): Promise<void> {
    if (this.#isRun) throw new Error('the queue is being run already');
    this.#takeOver();
    try {
      await eachTimeSettled(() => {
        const next = this.#heap[0];
        if (next === undefined || next.atMs > untilMs) return true;
        this.#runNext();
        return false;
      });
    } finally {
      this.#release();
    }
  }

  #queue(ms: number, run: () => void, isAwaited: boolean, order: number = this.#order): Timer {
    const event = new QueuedEvent(this.#nowMs + Math.max(0, ms), order, isAwaited, run);
    this.#order += 1;
    push(this.#heap, event);
    if (isAwaited) this.#awaitedCount += 1;
    this.#mayDriveItself();
    return event;
  }

  #takeOver(): void {
    this.#isRun = true;
    this.#driver += 1;
    this.#drivesItself = false;
  }

  #release(): void {
    this.#isRun = false;
    if (this.#heap.length > 0) this.#mayDriveItself();
  }

  #mayDriveItself(): void {
    if (this.#drive !== 'auto' || this.#isRun || this.#drivesItself) return;
    this.#drivesItself = true;
    void this.#driveByItself(++this.#driver);
  }

  /** Runs the next event; false if there is none. */
  #runNext(): boolean {
    for (;;) {
      const event = pop(this.#heap);
      if (event === undefined) return false;
      if (event.isAwaited) this.#awaitedCount -= 1;
      const { run } = event;
      if (run === null) continue;
      event.run = null;
      if (event.atMs > this.#nowMs) this.#nowMs = event.atMs;
      run();
      return true;
    }
  }

  async #driveByItself(driver: number): Promise<void> {
    try {
      for (let count = 1; ; count++) {
        await settlePromises();
        if (this.#driver !== driver || !this.#runNext()) return;
        if (count % EVENTS_PER_TURN === 0) await this.#realTurn();
      }
    } finally {
      if (this.#driver === driver) this.#drivesItself = false;
    }
  }

  /**
   * One turn of the real event loop. A log that is left open sets timers for ever; when nothing but timers
   * is left, the immediate holds no reference, so that the process may end.
   */
  async #realTurn(): Promise<void> {
    // What the last event made ready may queue a call; without a reference it would wait for chance to wake us.
    await settlePromises();
    await new Promise<void>((resolve) => {
      const immediate = setImmediate(resolve);
      if (this.#awaitedCount === 0) immediate.unref();
    });
  }
}

function isBefore(a: QueuedEvent, b: QueuedEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function push(heap: QueuedEvent[], event: QueuedEvent): void {
  let at = heap.length;
  heap.push(event);
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || !isBefore(event, parent)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = event;
}

function pop(heap: QueuedEvent[]): QueuedEvent | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    const left = heap[below];
    if (left === undefined) break;
    const right = heap[below + 1];
    let child = left;
    if (right !== undefined && isBefore(right, left)) {
      child = right;
      below += 1;
    }
    if (!isBefore(child, last)) break;
    heap[at] = child;
    at = below;
  }
  heap[at] = last;
  return first;
}
