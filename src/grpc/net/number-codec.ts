import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { FIELDS_MAX } from '../limits.js';

/** What a writer keeps for the next message, at most. */
const KEPT_BYTES = 4_194_304;

/** The generated code asks each number for its text, at once: this one gives the number itself. */
const read: { value: number; readonly toString: () => number } = { value: 0, toString: () => read.value };

/**
 * Reads the service's numbers as numbers. The library's own way leads each over a bigint and a text, which took longer than
 * all else of a small entry. One above 2^53 - 1 is rounded, and stays above: the generated code refuses it.
 */
export class NumberReader extends BinaryReader {
  readonly #bytes: Uint8Array;

  constructor(given: Uint8Array, textOf?: (utf8: Uint8Array) => string) {
    // Of a Buffer each piece would be a Buffer again, which takes longer to make.
    const bytes = new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
    super(bytes, textOf);
    this.#bytes = bytes;
    // Each takes a byte at least.
    if (bytes.length > FIELDS_MAX) this.#countFields();
  }

  #countFields(): void {
    const { uint32 } = this;
    let fields = 0;
    this.uint32 = () => {
      fields += 1;
      if (fields > FIELDS_MAX) throw new RangeError(`more than ${FIELDS_MAX} fields in one message`);
      return uint32.call(this);
    };
  }

  override uint64(): bigint {
    read.value = this.#number();
    return read as unknown as bigint;
  }

  /** Up to 28 bits are read here: indexes and terms, of nearly all logs. */
  #number(): number {
    const bytes = this.#bytes;
    const { pos } = this;
    let value = 0;
    for (let count = 0; count < 4; count += 1) {
      const byte = bytes[pos + count] ?? 0xff;
      value |= (byte & 0x7f) << (7 * count);
      if (byte >= 0x80) continue;
      this.pos = pos + count + 1;
      return value;
    }
    return Number(super.uint64());
  }
}

class NumberWriter extends BinaryWriter {
  override uint64(value: string | number | bigint): this {
    return typeof value === 'number' && value <= 0xffff_ffff ? this.uint32(value) : super.uint64(value);
  }
}

let kept = new NumberWriter();

/** The bytes of a message. One writer makes all: a new one grew from nothing to a mebibyte, by a copy for each doubling. */
export function encoded(encode: (writer: BinaryWriter) => BinaryWriter): Buffer {
  const writer = kept;
  // One that fails half-way is not used again.
  kept = new NumberWriter();
  const bytes = encode(writer).finish();
  if (bytes.byteLength <= KEPT_BYTES) kept = writer;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
