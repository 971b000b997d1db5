/** One input: the seq-th step of a client, which sends the next when it was told of this one. */
export interface Step {
  readonly client: string;
  readonly seq: number;
}

interface State {
  count: number;
  lost: number;
  clients: Record<string, number>;
}

/**
 * The replicated state: how many steps were taken, and the newest of each client. A step that comes again is not taken
 * again, which @coaty/consensus.raft leaves to the state machine: it proposes an input anew when it has waited, and knows
 * only the last one of each member by its id. One that leaves a gap tells that an acknowledged one was lost.
 */
export class Counter {
  #state: State = { count: 0, lost: 0, clients: {} };

  processInput({ client, seq }: Step): void {
    const newest = this.#state.clients[client] ?? 0;
    if (seq <= newest) return;
    this.#state.lost += seq - newest - 1;
    this.#state.count += 1;
    this.#state.clients[client] = seq;
  }

  getState(): State {
    return this.#state;
  }

  setState(state: State): void {
    this.#state = state;
  }
}
