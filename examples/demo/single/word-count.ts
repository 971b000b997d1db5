/**
 * The state machine that the log drives: how often each word has occurred in the lines applied so far. Its
 * encoding is the data of a snapshot, equal for equal states, so that two of them are compared byte by byte.
 */
export class WordCount {
  readonly #counts = new Map<string, number>();
  #linesApplied = 0;

  /** Lines applied so far: the number of the line that comes next. */
  get linesApplied(): number {
    return this.#linesApplied;
  }

  apply(line: Uint8Array): void {
    this.#linesApplied += 1;
    // One character a byte: whatever the text is written in, no byte is lost or joined with another.
    const words = Buffer.from(line.buffer, line.byteOffset, line.length)
      .toString('latin1')
      .match(/[a-z]+/gi);
    for (const word of words ?? []) {
      const key = word.toLowerCase();
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    }
  }

  encode(): Uint8Array {
    const rows = [...this.#counts].map(([word, count]) => `${word} ${count}\n`).sort();
    return Buffer.from(`${this.#linesApplied}\n${rows.join('')}`, 'latin1');
  }

  static decode(bytes: Uint8Array): WordCount {
    const [first = '', ...rows] = Buffer.from(bytes).toString('latin1').split('\n');
    const state = new WordCount();
    state.#linesApplied = Number(first);
    for (const row of rows) {
      const [word, count] = row.split(' ');
      if (word !== undefined && count !== undefined) state.#counts.set(word, Number(count));
    }
    return state;
  }
}
