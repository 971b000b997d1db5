// A server must hold little for clients that ask for much and take none of it, whatever the stream in between would buffer.
// A stream whose reader takes messages one by one, or never, is written to, and what was asked of the source is counted.
import { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { writeAll } from '../../src/grpc/net/message-stream.js';

test('the next message is asked for when the one before was taken, and none when the reader has gone', async () => {
  const asked: number[] = [];
  let isReturned = false;
  async function* messages() {
    try {
      for (let message = 1; ; message += 1) {
        asked.push(message);
        yield await Promise.resolve(message);
      }
    } finally {
      isReturned = true;
    }
  }
  let take: () => void = () => undefined;
  const stream = new Writable({
    objectMode: true,
    write: (_message, _encoding, done) => {
      take = done;
    },
  });
  const written = writeAll(stream, messages(), () => stream.destroyed);
  for (const expected of [[1], [1, 2], [1, 2, 3]]) {
    for (let turn = 0; turn < 5; turn += 1) await setImmediate();
    expect(asked).toEqual(expected);
    take();
  }
  stream.destroy();
  await written;
  expect(isReturned).toBe(true);
});

test('a sender is asked for one message more than is on its way, and no more', async () => {
  let asked = 0;
  async function* messages() {
    for (; asked < 4; asked += 1) yield await Promise.resolve(asked);
  }
  let leave: () => void = () => undefined;
  const stream = new Writable({
    objectMode: true,
    write: (_message, _encoding, done) => {
      leave = done;
    },
  });
  const written = writeAll(stream, messages(), () => false, 1);
  for (let turn = 0; turn < 5; turn += 1) await setImmediate();
  // The first is on its way, the second waits behind it; none of the rest was made.
  expect(stream.writableLength).toBe(2);
  expect(asked).toBe(1);
  for (let turn = 0; turn < 20; turn += 1) {
    const left = leave;
    leave = () => undefined;
    left();
    await setImmediate();
  }
  await written;
  expect(asked).toBe(4);
});
