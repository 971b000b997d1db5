import { hashOfText } from './random.js';
import type { Happening, OnHappening } from './run-watch.js';

/** What a trace keeps. */
export interface TraceOptions {
  /** How many of the last lines to keep; 0 (default) keeps none, and only folds the hash. */
  readonly linesKept?: number;
}

const NOTE: Happening = { kind: 'note' };

/**
 * What happened, in order. The hash folds everything; the last lines can be kept as text. Two runs of one
 * seed have the same hash, and the same lines, byte for byte.
 */
export class Trace {
  /** Told of each line as it comes. */
  watch: OnHappening | null = null;
  readonly #linesKept: number;
  #lines: string[] = [];
  #hash = 0x811c9dc5;

  constructor(options: TraceOptions = {}) {
    this.#linesKept = options.linesKept ?? 0;
  }

  /** 32 bits, unsigned. */
  get hash(): number {
    return this.#hash >>> 0;
  }

  /** The last lines, the oldest first. */
  get lines(): readonly string[] {
    return this.#lines.slice(-this.#linesKept);
  }

  /** Whether lines are wanted at all; a hot path makes no text for nobody. */
  get keepsLines(): boolean {
    return this.#linesKept > 0 || this.watch !== null;
  }

  /** Folds a number into the hash. */
  fold(value: number): void {
    this.#hash = Math.imul(this.#hash ^ value, 0x01000193);
    this.#hash ^= this.#hash >>> 15;
  }

  /** Folds a text into the hash. */
  foldText(text: string): void {
    this.fold(hashOfText(text));
  }

  /** Keeps a line, if lines are kept; the hash does not see it. */
  line(text: string, about: Happening = NOTE): void {
    this.watch?.(text, about);
    if (this.#linesKept === 0) return;
    this.#lines.push(text);
    if (this.#lines.length >= 2 * this.#linesKept) this.#lines = this.#lines.slice(-this.#linesKept);
  }

  /** Folds a text and keeps it as a line. */
  note(text: string, about: Happening = NOTE): void {
    this.foldText(text);
    this.line(text, about);
  }
}
