import type { Entry } from '../../src/raft-log/contract.js';
import type { ReadState } from '../raft/index.js';
import { ClusterFinding } from './cluster-finding.js';
import type { RegisterState } from './register-state.js';

interface WaitingWrite {
  readonly term: number;
  readonly onDecided: (isKept: boolean) => void;
}

/** The moment at which a read was asked for. */
interface Asked {
  readonly atMs: number;
  /** The highest index that any node held for committed by then. */
  readonly committed: number;
}

interface WaitingRead {
  readonly onAnswer: (state: RegisterState) => void;
  readonly asked: Asked;
  /** Null until the leader has said. */
  index: number | null;
}

/** Clients of one life of a node that wait for an entry to be applied, or for a moment to read at. */
export class WaitingClients {
  readonly #node: { readonly id: string; readonly life: number };
  readonly #life: number;
  readonly #writes: Map<number, WaitingWrite> = new Map<number, WaitingWrite>();
  readonly #reads: Map<string, WaitingRead> = new Map<string, WaitingRead>();
  #count = 0;

  constructor(node: { readonly id: string; readonly life: number }) {
    this.#node = node;
    this.#life = node.life;
  }

  waitForEntry(index: number, term: number, onDecided: (isKept: boolean) => void): void {
    this.#writes.set(index, { term, onDecided });
  }

  applied(entry: Entry): void {
    const waiting = this.#writes.get(entry.index);
    if (waiting === undefined) return;
    this.#writes.delete(entry.index);
    waiting.onDecided(waiting.term === entry.term);
  }

  /** A name for a read that no other read, of no other life, has. */
  newContext(): string {
    this.#count += 1;
    return `${this.#node.id}/${String(this.#life)}/${String(this.#count)}`;
  }

  waitForRead(context: string, asked: Asked, onAnswer: (state: RegisterState) => void): void {
    this.#reads.set(context, { onAnswer, asked, index: null });
  }

  /** Returns when it was asked for. */
  confirmed({ context, index }: ReadState): number {
    const waiting = this.#reads.get(context);
    if (waiting === undefined) {
      throw new ClusterFinding({
        oracle: 'stale-message',
        what: `${this.#node.id} was told of read ${context}, which this life of it never asked for or has been told of`,
      });
    }
    // Dissertation 6.4: who answered lost its lead before, or did not ask whether it had.
    const { committed, atMs } = waiting.asked;
    if (index < committed) {
      throw new ClusterFinding({
        oracle: 'stale-read',
        what: `${this.#node.id} may read ${context} at ${String(index)}, but ${String(committed)} was committed before it asked`,
      });
    }
    waiting.index = index;
    return atMs;
  }

  release(state: RegisterState): void {
    for (const [context, { index, onAnswer }] of this.#reads) {
      if (index === null || index > state.applied) continue;
      this.#reads.delete(context);
      onAnswer(state);
    }
  }
}
