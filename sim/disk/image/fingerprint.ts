/**
 * A running hash of numbers, texts and bytes. Two contents have the same by chance once in 2^53; nobody who would
 * look for such two is at work in a simulator.
 */
export class Fingerprint {
  #low = 0x811c9dc5;
  #high = 0x9e3779b9;

  /** All that was added, in its order, as one whole number. */
  get value(): number {
    return (this.#high >>> 11) * 2 ** 32 + (this.#low >>> 0);
  }

  /** Adds a whole number of any size. */
  add(value: number): this {
    this.#fold(value | 0);
    this.#fold(Math.floor(value / 2 ** 32));
    return this;
  }

  addText(text: string): this {
    for (let at = 0; at < text.length; at++) this.#fold(text.charCodeAt(at));
    return this.add(text.length);
  }

  addBytes(bytes: Uint8Array): this {
    const isAligned = bytes.byteOffset % 4 === 0;
    const words = isAligned ? new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2) : null;
    for (const word of words ?? []) this.#fold(word);
    for (let at = (words?.length ?? 0) * 4; at < bytes.length; at++) this.#fold(bytes[at] ?? 0);
    return this.add(bytes.length);
  }

  #fold(word: number): void {
    const low = Math.imul(this.#low ^ word, 0x85ebca6b);
    this.#low = low ^ (low >>> 15);
    const high = Math.imul(this.#high + word, 0xc2b2ae35);
    this.#high = high ^ (high >>> 13);
  }
}
