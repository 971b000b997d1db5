/** Answers to the kernel: a header of 16 bytes, then what the opcode asks for. */

const HEADER_BYTES = 16;
const ATTRIBUTES_BYTES = 88;
/** How long the kernel may believe what it was told of names and sizes: they never change. */
const VALID_SECONDS = 3600n;
/** Largest write, in bytes: 256 pages, the most that the kernel sends at once. */
export const WRITE_BYTES_MAX: number = 1024 * 1024;

const FLAG_ASYNC_DIO = 1 << 15;
const FLAG_BIG_WRITES = 1 << 5;
const FLAG_MAX_PAGES = 1 << 22;
const OPEN_DIRECT_IO = 1;

/** A node of the file system, as `stat` shows it. */
export interface Node {
  readonly id: number;
  readonly isDirectory: boolean;
  readonly size: number;
}

export function answer(unique: bigint, body: Uint8Array = Buffer.alloc(0)): Buffer {
  const reply = Buffer.alloc(HEADER_BYTES + body.length);
  reply.writeUInt32LE(reply.length, 0);
  reply.writeBigUInt64LE(unique, 8);
  reply.set(body, HEADER_BYTES);
  return reply;
}

export function failure(unique: bigint, errno: number): Buffer {
  const reply = answer(unique);
  reply.writeInt32LE(-errno, 4);
  return reply;
}

/** The version and the limits that both sides keep to from then on. */
export function initBody(): Buffer {
  const body = Buffer.alloc(64);
  body.writeUInt32LE(7, 0);
  body.writeUInt32LE(31, 4);
  body.writeUInt32LE(0, 8);
  body.writeUInt32LE(FLAG_ASYNC_DIO | FLAG_BIG_WRITES | FLAG_MAX_PAGES, 12);
  body.writeUInt16LE(64, 16);
  body.writeUInt16LE(48, 18);
  body.writeUInt32LE(WRITE_BYTES_MAX, 20);
  body.writeUInt32LE(1, 24);
  body.writeUInt16LE(WRITE_BYTES_MAX / 4096, 28);
  return body;
}

export function entryBody(node: Node): Buffer {
  const body = Buffer.alloc(40 + ATTRIBUTES_BYTES);
  body.writeBigUInt64LE(BigInt(node.id), 0);
  body.writeBigUInt64LE(VALID_SECONDS, 16);
  body.writeBigUInt64LE(VALID_SECONDS, 24);
  attributes(node).copy(body, 40);
  return body;
}

export function attributesBody(node: Node): Buffer {
  const body = Buffer.alloc(16 + ATTRIBUTES_BYTES);
  body.writeBigUInt64LE(VALID_SECONDS, 0);
  attributes(node).copy(body, 16);
  return body;
}

/** The handle is the node. Direct: the kernel caches nothing, so that each write is seen, and in order. */
export function openBody(node: number): Buffer {
  const body = Buffer.alloc(16);
  body.writeBigUInt64LE(BigInt(node), 0);
  body.writeUInt32LE(OPEN_DIRECT_IO, 8);
  return body;
}

export function writtenBody(count: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt32LE(count, 0);
  return body;
}

/** Nobody asks for room here; an answer is expected all the same. */
export function statfsBody(): Buffer {
  const body = Buffer.alloc(80);
  body.writeUInt32LE(4096, 40);
  body.writeUInt32LE(255, 44);
  return body;
}

function attributes({ id, isDirectory, size }: Node): Buffer {
  const body = Buffer.alloc(ATTRIBUTES_BYTES);
  body.writeBigUInt64LE(BigInt(id), 0);
  body.writeBigUInt64LE(BigInt(size), 8);
  body.writeBigUInt64LE(BigInt(Math.ceil(size / 512)), 16);
  body.writeUInt32LE(isDirectory ? 0o040755 : 0o100644, 60);
  body.writeUInt32LE(1, 64);
  body.writeUInt32LE(4096, 80);
  return body;
}
