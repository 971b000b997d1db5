/**
 * The appends that a follower has been sent and has not answered, bounded in number and bytes: what lets a
 * leader send the next before the last was answered, and stops it before a slow follower drowns
 * (pipelining, dissertation §10.2.1).
 */
export class Inflights {
  readonly #countMax: number;
  readonly #bytesMax: number;
  #sent: { readonly lastIndex: number; readonly bytes: number }[] = [];
  #bytes = 0;

  constructor(countMax: number, bytesMax: number) {
    this.#countMax = countMax;
    this.#bytesMax = bytesMax;
  }

  get count(): number {
    return this.#sent.length;
  }

  get isFull(): boolean {
    return this.#sent.length >= this.#countMax || this.#bytes >= this.#bytesMax;
  }

  add(lastIndex: number, bytes: number): void {
    this.#sent.push({ lastIndex, bytes });
    this.#bytes += bytes;
  }

  /** An acknowledgement of `index` also answers all that was sent before it. */
  freeTo(index: number): void {
    const keepFrom = this.#sent.findIndex((append) => append.lastIndex > index);
    this.#freeFirst(keepFrom === -1 ? this.#sent.length : keepFrom);
  }

  /** The follower is alive although no answer came: let one more append through. */
  freeOne(): void {
    this.#freeFirst(Math.min(1, this.#sent.length));
  }

  clear(): void {
    this.#sent = [];
    this.#bytes = 0;
  }

  #freeFirst(count: number): void {
    for (const append of this.#sent.splice(0, count)) this.#bytes -= append.bytes;
  }
}
