/** Some wait, another rings: what was rung before is not heard, so who waits looks first, and looks again. */
export class Bell {
  #waiting: (() => void)[] = [];

  ring(): void {
    if (this.#waiting.length > 0) for (const hear of this.#waiting.splice(0)) hear();
  }

  /** Resolves with the next ring. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}
