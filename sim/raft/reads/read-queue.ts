import type { NodeId } from '../members/configuration.js';

/** A read that some server asked the leader for. */
export interface WaitingRead {
  readonly from: NodeId;
  readonly requestId: string;
}

/** A read whose index is fixed, and that waits for proof that its leader still led then. */
interface StartedRead extends WaitingRead {
  readonly index: number;
  readonly round: number;
}

/** A leader's reads. One round of heartbeats proves leadership for all reads that were waiting when it began. */
export class ReadQueue {
  #waiting: WaitingRead[] = [];
  #started: StartedRead[] = [];
  #round = 0;
  readonly #answered: Map<NodeId, number> = new Map();

  get count(): number {
    return this.#waiting.length + this.#started.length;
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** The latest round; 0 before the first. */
  get round(): number {
    return this.#round;
  }

  add(read: WaitingRead): void {
    this.#waiting.push(read);
  }

  /** Begins a round for all that wait, to be read at `index`. */
  startRound(index: number): void {
    this.#round += 1;
    for (const read of this.#waiting) this.#started.push({ ...read, index, round: this.#round });
    this.#waiting = [];
  }

  /** A server took this leader for its leader when it answered `round`, and so for every round before. */
  answered(from: NodeId, round: number): void {
    this.#answered.set(from, Math.max(round, this.answeredRound(from)));
  }

  answeredRound(from: NodeId): number {
    return this.#answered.get(from) ?? 0;
  }

  /** Takes out the reads whose round, or a later one, a majority has answered. */
  takeProven(round: number): readonly StartedRead[] {
    const proven = this.#started.filter((read) => read.round <= round);
    if (proven.length > 0) this.#started = this.#started.filter((read) => read.round > round);
    return proven;
  }

  clear(): void {
    this.#waiting = [];
    this.#started = [];
    this.#round = 0;
    this.#answered.clear();
  }
}
