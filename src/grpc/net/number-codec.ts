import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';

/** What a writer keeps for the next message, at most. */
const KEPT_BYTES = 4_194_304;

/**
 * Reads the service's numbers as numbers. The library's own way leads each over a bigint and a text, which took longer than
 * all else of a small entry. One above 2^53 - 1 is rounded, and stays above: the generated code refuses it.
 */
export class NumberReader extends BinaryReader {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, textOf?: (utf8: Uint8Array) => string) {
    super(bytes, textOf);
    this.#bytes = bytes;
  }

  override uint64(): bigint {
    const first = this.#bytes[this.pos] ?? 0xff;
    const low = first < 0x80 ? this.uint32() : null;
    return (low ?? Number(super.uint64())) as unknown as bigint;
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
