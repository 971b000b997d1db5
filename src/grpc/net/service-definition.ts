import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import { invalidArgument } from '../../errors/arguments.js';
import { RaftLogServiceDefinition } from '../generated/keelson/v1/raft_log.js';
import type { Method } from '../calls.js';
import { FIELDS_MAX } from '../limits.js';

interface Codec {
  encode(message: unknown, writer: BinaryWriter): BinaryWriter;
  decode(reader: BinaryReader): unknown;
}

/** What grpc-js needs to know of one call. */
export interface MethodShape {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly requestSerialize: (message: unknown) => Buffer;
  /** The bytes themselves: what they say is read once it is known that the call may be made. */
  readonly requestDeserialize: (bytes: Buffer) => Buffer;
  readonly readRequest: (bytes: Buffer) => unknown;
  readonly responseSerialize: (message: unknown) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}

/** The calls of the service, by their names in the port. */
export const METHODS: Readonly<Record<Method, MethodShape>> = Object.fromEntries(
  Object.entries(RaftLogServiceDefinition.methods).map(([method, definition]) => {
    const { name, requestStream, responseStream } = definition;
    const request = definition.requestType as unknown as Codec;
    const response = definition.responseType as unknown as Codec;
    const shape: MethodShape = {
      path: `/${RaftLogServiceDefinition.fullName}/${name}`,
      requestStream,
      responseStream,
      requestSerialize: (message) => encoded(request, message),
      requestDeserialize: (bytes) => bytes,
      readRequest: (bytes) => decoded(request, bytes),
      responseSerialize: (message) => encoded(response, message),
      responseDeserialize: (bytes) => response.decode(readerOf(bytes)),
    };
    return [method, shape];
  }),
) as unknown as Readonly<Record<Method, MethodShape>>;

/** The full name of the service, as health and reflection know it. */
export const SERVICE_NAME: string = RaftLogServiceDefinition.fullName;

/** What a writer keeps for the next message, at most. */
const KEPT_BYTES = 4_194_304;
let kept = new BinaryWriter();

/** The bytes of a message. One writer makes all: a new one grew from nothing to a mebibyte, by a copy for each doubling. */
function encoded(codec: Codec, message: unknown): Buffer {
  const writer = kept;
  // One that fails half-way is not used again.
  kept = new BinaryWriter();
  const { buffer, byteOffset, byteLength } = codec.encode(message, writer).finish();
  if (byteLength <= KEPT_BYTES) kept = writer;
  return Buffer.from(buffer, byteOffset, byteLength);
}

// Not the reader's own: it puts one same sign for all bytes that are no text, so that two votes would read as one.
const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Numbers beyond 2^53 - 1 are refused here, too: nothing behind it ever sees one that was rounded. */
function decoded(codec: Codec, bytes: Uint8Array): unknown {
  try {
    return codec.decode(readerOf(bytes, (utf8) => text.decode(utf8)));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw invalidArgument('the message', why, 'one of keelson.v1, its numbers at most 2^53 - 1');
  }
}

/** A reader that takes no more fields than a message may have. */
function readerOf(bytes: Uint8Array, textOf?: (utf8: Uint8Array) => string): BinaryReader {
  // Of a Buffer each piece would be a Buffer again, which takes longer to make.
  const reader = new BinaryReader(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length), textOf);
  // Each takes a byte at least.
  if (bytes.length <= FIELDS_MAX) return reader;
  const { uint32 } = reader;
  let fields = 0;
  reader.uint32 = () => {
    fields += 1;
    if (fields > FIELDS_MAX) throw new RangeError(`more than ${FIELDS_MAX} fields in one message`);
    return uint32.call(reader);
  };
  return reader;
}
