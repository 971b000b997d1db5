/** One waits, another rings: what was rung before is not heard, so who waits looks first, and looks again. */
export class Bell {
  #heard: () => void = () => undefined;

  ring(): void {
    this.#heard();
  }

  /** Resolves with the next ring. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#heard = resolve;
    });
  }
}
