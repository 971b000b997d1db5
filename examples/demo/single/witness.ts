import type { Announcement, PlannedSave } from './announcement.js';
import { entryCount, ExpectedLog } from './expected-log.js';
import type { Text } from './text.js';
import { WordCount } from './word-count.js';

/** A snapshot that may be there, and the bytes that it then must have. */
export interface ExpectedSnapshot {
  readonly index: number;
  readonly data: Uint8Array;
}

/** Something of which one was acknowledged, and perhaps a newer one was begun: either may be found. */
export interface OneOfTwo<T> {
  readonly acked: T;
  readonly issued: T | null;
}

/** What the writer did, added up over all its lives. */
export interface WitnessCounts {
  savesAcked: number;
  entriesAcked: number;
  rewrites: number;
  snapshots: number;
  compactions: number;
  rotations: number;
  readonly syncMs: number[];
}

/**
 * What the parent has heard, and what follows from it: the log as of all acknowledged saves, the saves begun
 * behind them, and the same for snapshot and compaction. It never looks at the log.
 */
export class Witness {
  readonly counts: WitnessCounts = {
    savesAcked: 0,
    entriesAcked: 0,
    rewrites: 0,
    snapshots: 0,
    compactions: 0,
    rotations: 0,
    syncMs: [],
  };
  readonly #text: Text;
  #acked = new ExpectedLog();
  #issued: PlannedSave[] = [];
  #snapshot: OneOfTwo<ExpectedSnapshot | null> = { acked: null, issued: null };
  #boundary: OneOfTwo<number> = { acked: 0, issued: null };
  /** The state machine, as of the newest snapshot that was begun. */
  readonly #words = new WordCount();
  #wordsIndex = 0;

  constructor(text: Text) {
    this.#text = text;
  }

  /** The log as of the last acknowledged save. */
  get acked(): ExpectedLog {
    return this.#acked;
  }

  /** Saves begun and not acknowledged, in order. */
  get issued(): readonly PlannedSave[] {
    return this.#issued;
  }

  get snapshot(): OneOfTwo<ExpectedSnapshot | null> {
    return this.#snapshot;
  }

  /** The highest index that compaction dropped. */
  get boundary(): OneOfTwo<number> {
    return this.#boundary;
  }

  hear(announcement: Announcement): void {
    switch (announcement.is) {
      case 'issued':
        this.#issued.push(announcement.save);
        break;
      case 'acked':
        this.#hearAcked();
        break;
      case 'snapshot-issued':
        this.#snapshot = { ...this.#snapshot, issued: this.#expectSnapshot(announcement.index) };
        break;
      case 'snapshot-acked':
        this.counts.snapshots += 1;
        this.#snapshot = { acked: this.#snapshot.issued, issued: null };
        break;
      case 'compact-issued':
        this.#boundary = { ...this.#boundary, issued: announcement.upTo };
        break;
      case 'compact-acked':
        this.counts.compactions += 1;
        this.#boundary = { acked: announcement.upTo, issued: null };
        break;
      case 'synced':
        this.counts.syncMs.push(...announcement.ms);
        break;
      case 'rotated':
        this.counts.rotations += 1;
        break;
      case 'opening':
      case 'open':
      case 'closed':
        break;
    }
  }

  #hearAcked(): void {
    const save = this.#issued.shift();
    if (save === undefined) throw new Error('the writer acknowledged a save that it never began');
    const first = save.entries?.first ?? Infinity;
    if (first <= this.#acked.lastIndex) this.counts.rewrites += 1;
    this.#acked.apply(save);
    this.counts.savesAcked += 1;
    this.counts.entriesAcked += entryCount(save);
  }

  /** Applies the lines up to `index`, all committed by then: what they are can no longer change. */
  #expectSnapshot(index: number): ExpectedSnapshot {
    while (this.#wordsIndex < index) {
      this.#wordsIndex += 1;
      const line = this.#acked.line(this.#wordsIndex);
      if (line !== null) this.#words.apply(this.#text.line(line));
    }
    return { index, data: this.#words.encode() };
  }

  /** The log was reopened, and this is what it holds from now on: what else was begun is gone for good. */
  settle(log: ExpectedLog, snapshot: ExpectedSnapshot | null, boundary: number): void {
    this.#acked = log;
    this.#issued = [];
    this.#snapshot = { acked: snapshot, issued: null };
    this.#boundary = { acked: boundary, issued: null };
  }
}
