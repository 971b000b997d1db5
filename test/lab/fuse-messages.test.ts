/**
 * At stake: the lab's disk is only as good as what it tells the kernel. Tried by messages laid out by hand, as
 * include/uapi/linux/fuse.h draws them, and by the answers' own bytes; no kernel takes part.
 */
import { describe, expect, test } from 'vitest';
import {
  answer,
  attributesBody,
  entryBody,
  failure,
  initBody,
  openBody,
} from '../../lab/powercut/fuse/reply.js';
import { lookupName, readRange, readRequest, writtenBytes } from '../../lab/powercut/fuse/request.js';

/** A header of 40 bytes and a body. */
function message(opcode: number, nodeId: number, body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(40 + body.length);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt32LE(opcode, 4);
  bytes.writeBigUInt64LE(2n ** 63n + 7n, 8);
  bytes.writeBigUInt64LE(BigInt(nodeId), 16);
  bytes.set(body, 40);
  return bytes;
}

/** fuse_read_in, or fuse_write_in with its bytes behind. */
function transfer(position: number, length: number, bytes: Uint8Array = Buffer.alloc(0)): Buffer {
  const body = Buffer.alloc(40 + bytes.length);
  body.writeBigUInt64LE(BigInt(position), 8);
  body.writeUInt32LE(length, 16);
  body.set(bytes, 40);
  return body;
}

describe('requests', () => {
  test('say what is asked of which node', () => {
    const request = readRequest(message(15, 3, transfer(2 ** 40 + 512, 4096)));
    expect(request).toMatchObject({ opcode: 15, unique: 2n ** 63n + 7n, nodeId: 3 });
    expect(readRange(request.body)).toEqual({ position: 2 ** 40 + 512, length: 4096 });
  });

  test('a name ends at its zero byte', () => {
    expect(lookupName(readRequest(message(1, 1, Buffer.from('disk-1\0'))).body)).toBe('disk-1');
  });

  test('a write brings its bytes, and what the buffer held before is none of them', () => {
    const body = Buffer.concat([transfer(512, 3, Buffer.from('abc')), Buffer.from('left over')]);
    const { position, bytes } = writtenBytes(readRequest(message(16, 2, body)).body);
    expect([position, bytes.toString()]).toEqual([512, 'abc']);
  });
});

describe('answers', () => {
  test('bear their length, the number of the request and, if they refuse, an error', () => {
    const good = answer(9n, Buffer.from('four'));
    expect([good.readUInt32LE(0), good.readInt32LE(4), good.readBigUInt64LE(8)]).toEqual([20, 0, 9n]);
    const bad = failure(9n, 5);
    expect([bad.readUInt32LE(0), bad.readInt32LE(4), bad.readBigUInt64LE(8)]).toEqual([16, -5, 9n]);
  });

  test('are as long as the structures of version 7.31', () => {
    const node = { id: 2, isDirectory: false, size: 4097 };
    expect(
      [initBody(), entryBody(node), attributesBody(node), openBody(2)].map(({ length }) => length),
    ).toEqual([64, 128, 104, 16]);
  });

  test('show a disk as a file of its size, opened past the cache', () => {
    const attributes = attributesBody({ id: 2, isDirectory: false, size: 4097 }).subarray(16);
    expect([
      attributes.readBigUInt64LE(0),
      attributes.readBigUInt64LE(8),
      attributes.readBigUInt64LE(16),
    ]).toEqual([2n, 4097n, 9n]);
    expect(attributes.readUInt32LE(60) & 0o170000).toBe(0o100000);
    expect(openBody(2).readUInt32LE(8)).toBe(1);
  });
});
