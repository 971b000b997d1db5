import type { RaftLog } from '../../../../src/index.js';
import { NO_OP_KIND, type PlannedSave } from '../announcement.js';
import type { Text } from '../text.js';
import { WordCount } from '../word-count.js';
import type { TailEntry } from './proposals.js';

/**
 * The host of the log: a state machine that applies what is committed, and comes back after a death as every
 * Raft's does, from the newest snapshot and the entries behind it.
 */
export class Host {
  readonly words: WordCount;
  readonly #text: Text;
  #appliedIndex: number;
  /** Durable entries behind the applied ones: the number of the line, or null. */
  #tail: (number | null)[] = [];

  private constructor(text: Text, words: WordCount, appliedIndex: number) {
    this.#text = text;
    this.words = words;
    this.#appliedIndex = appliedIndex;
  }

  /** Rebuilds the state that a log describes. */
  static async restore(log: RaftLog, text: Text): Promise<Host> {
    const snapshot = await log.openSnapshot();
    const chunks: Uint8Array[] = [];
    if (snapshot !== null) for await (const chunk of snapshot.data) chunks.push(chunk);
    const words = snapshot === null ? new WordCount() : WordCount.decode(Buffer.concat(chunks));
    const host = new Host(text, words, snapshot?.meta.index ?? 0);
    let line = words.linesApplied;
    for await (const entry of log.stream(host.#appliedIndex + 1, log.lastIndex + 1)) {
      host.#tail.push(entry.kind === NO_OP_KIND ? null : line);
      if (entry.kind !== NO_OP_KIND) line += 1;
    }
    host.#applyUpTo(log.hardState.commit);
    return host;
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /** The entries that are not committed yet. */
  get uncommitted(): readonly TailEntry[] {
    return this.#tail.map((line) => ({ isLine: line !== null }));
  }

  /** Number of the line behind all that the log holds. */
  get nextLine(): number {
    return this.words.linesApplied + this.#tail.filter((line) => line !== null).length;
  }

  /** A save is on stable storage: applies what it committed. */
  saved({ truncateFrom, entries, hardState }: PlannedSave): void {
    if (truncateFrom !== undefined) this.#dropFrom(truncateFrom);
    if (entries !== undefined) {
      this.#dropFrom(entries.first);
      if (entries.hasNoOp) this.#tail.push(null);
      for (let n = 0; n < entries.lineCount; n++) this.#tail.push(entries.line + n);
    }
    if (hardState?.commit !== undefined) this.#applyUpTo(hardState.commit);
  }

  #dropFrom(index: number): void {
    this.#tail.length = Math.min(this.#tail.length, index - this.#appliedIndex - 1);
  }

  #applyUpTo(commit: number): void {
    for (const line of this.#tail.splice(0, commit - this.#appliedIndex)) {
      if (line !== null) this.words.apply(this.#text.line(line));
    }
    this.#appliedIndex = Math.max(this.#appliedIndex, commit);
  }
}
