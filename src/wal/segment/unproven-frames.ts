/** Dropped frames that are kept before the rest is moved to the front. */
const SLACK = 1024;

/**
 * Frames of a run that no mark proved so far, oldest first: as many as one group holds, since each frame marks the group
 * before. Two numbers each, and nothing is moved for a frame alone: a group may be a million saves.
 */
export class UnprovenFrames {
  #lsns: number[] = [];
  #offsets: number[] = [];
  #dropped = 0;

  /** @param lsn of its last record, above those before */
  add(lsn: number, offset: number): void {
    this.#lsns.push(lsn);
    this.#offsets.push(offset);
  }

  /** Everything up to `lsn` is proven. */
  dropThrough(lsn: number): void {
    while (this.#dropped < this.#lsns.length && (this.#lsns[this.#dropped] as number) <= lsn)
      this.#dropped += 1;
    if (this.#dropped < SLACK || this.#dropped * 2 < this.#lsns.length) return;
    this.#lsns = this.#lsns.slice(this.#dropped);
    this.#offsets = this.#offsets.slice(this.#dropped);
    this.#dropped = 0;
  }

  /** Where the first one stands; undefined if there is none. */
  get first(): number | undefined {
    return this.#offsets[this.#dropped];
  }
}
