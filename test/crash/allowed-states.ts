/**
 * The allowed set: the states that a crash may leave. The last promised one, and one more for each change issued
 * since. It lives outside the store, and so outlives every crash of it.
 */
export class AllowedStates<State> {
  /** Oldest first; the first is the promise. */
  #states: readonly State[];

  constructor(promised: State) {
    this.#states = [promised];
  }

  /** What the store holds once everything issued has succeeded. */
  get newest(): State {
    return this.#states[this.#states.length - 1] as State;
  }

  /** What must be there at least. */
  get promised(): State {
    return this.#states[0] as State;
  }

  get all(): readonly State[] {
    return this.#states;
  }

  /** A change was handed to the store, which would lead to `state`. */
  issue(state: State): void {
    this.#states = [...this.#states, state];
  }

  /** The change to `state` was acknowledged: no earlier state may come back. */
  acknowledge(state: State): void {
    const at = this.#states.indexOf(state);
    if (at < 0) throw new Error('a change was acknowledged that had become impossible');
    this.#states = this.#states.slice(at);
  }

  /** The change to `state` was refused, and nothing of it exists. */
  refuse(state: State): void {
    this.#states = this.#states.filter((other) => other !== state);
  }

  /** What a reopened store holds, which is itself the promise from now on; false if no allowed state is it. */
  settle(isIt: (state: State) => boolean): boolean {
    const found = this.#states.find(isIt);
    if (found === undefined) return false;
    this.#states = [found];
    return true;
  }

  clone(): AllowedStates<State> {
    const copy = new AllowedStates(this.promised);
    copy.#states = this.#states;
    return copy;
  }
}
