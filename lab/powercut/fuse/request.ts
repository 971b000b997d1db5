/**
 * Messages from the kernel, read out of the buffer that one read of `/dev/fuse` filled: a header of 40 bytes,
 * then what the opcode brings. All numbers are in the order of the machine, which is little on all that run this.
 */

const HEADER_BYTES = 40;
/** The structures fuse_read_in and fuse_write_in. */
const TRANSFER_BYTES = 40;

export interface FuseRequest {
  readonly opcode: number;
  /** Echoed in the answer. */
  readonly unique: bigint;
  readonly nodeId: number;
  /** What follows the header: a view, good until the buffer is filled again. */
  readonly body: Buffer;
}

export function readRequest(message: Buffer): FuseRequest {
  return {
    opcode: message.readUInt32LE(4),
    unique: message.readBigUInt64LE(8),
    nodeId: Number(message.readBigUInt64LE(16)),
    body: message.subarray(HEADER_BYTES),
  };
}

/** The name that a LOOKUP asks for; it ends with a zero byte. */
export function lookupName(body: Buffer): string {
  return body.subarray(0, body.indexOf(0)).toString('utf8');
}

/** Where a READ begins, and how much it wants. */
export function readRange(body: Buffer): { readonly position: number; readonly length: number } {
  return { position: Number(body.readBigUInt64LE(8)), length: body.readUInt32LE(16) };
}

/** Where a WRITE begins, and its bytes. */
export function writtenBytes(body: Buffer): { readonly position: number; readonly bytes: Buffer } {
  const { position, length } = readRange(body);
  return { position, bytes: body.subarray(TRANSFER_BYTES, TRANSFER_BYTES + length) };
}
