import type { NodeHostParts } from './node-world.js';

/** The life whose turns these are. */
interface TurningHost {
  readonly isRunning: boolean;
  /** Holds what has just happened against the rules. */
  turned(): void;
  threw(error: unknown): void;
}

/**
 * The event loop of one life. In virtual time each happening has a round of its own, unless the plan has turns that last:
 * then all that happens within one shares the round at its end, as it does by `setImmediate`.
 */
export class Turns {
  readonly #host: TurningHost;
  readonly #parts: NodeHostParts;
  readonly #turnMs: number;
  #happened = 0;

  constructor(host: TurningHost, parts: NodeHostParts) {
    this.#host = host;
    this.#parts = parts;
    this.#turnMs = parts.world.plan.config.turnMs ?? 0;
  }

  /** More than one thing has happened since the last round. */
  get isShared(): boolean {
    return this.#happened > 1;
  }

  /** Lets something happen, now or when the process goes on. */
  admit(act: () => void): void {
    this.#whenAwake(() => {
      act();
      if (this.#turnMs > 0) this.#judgeAmidTurn();
    });
  }

  schedule(round: () => void): void {
    if (this.#turnMs === 0) {
      round();
      return;
    }
    this.#parts.world.queue.after(this.#turnMs, () => {
      this.#whenAwake(() => {
        round();
        this.#happened = 0;
      });
    });
  }

  /** A process that stands still takes what came meanwhile when it goes on. */
  #whenAwake(act: () => void): void {
    if (!this.#host.isRunning) return;
    const { node } = this.#parts;
    if (node.isPaused) {
      node.defer(() => {
        this.#whenAwake(act);
      });
    } else act();
  }

  /** What shares a round is judged one by one all the same. */
  #judgeAmidTurn(): void {
    this.#happened += 1;
    try {
      this.#host.turned();
    } catch (error) {
      this.#host.threw(error);
    }
  }
}
