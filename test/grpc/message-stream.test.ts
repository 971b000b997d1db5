// A server must hold little for clients that ask for much and take none of it, whatever the stream in between would buffer.
// A reader takes messages one by one, or never, and what was asked of the source is counted.
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Incoming, sendAll } from '../../src/grpc/message-stream.js';

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await setImmediate();
}

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
  const { done, stop } = sendAll(messages(), (_message, onLeft) => {
    take = onLeft;
  });
  for (const expected of [[1], [1, 2], [1, 2, 3]]) {
    await turns(5);
    expect(asked).toEqual(expected);
    take();
  }
  stop();
  await done;
  expect(isReturned).toBe(true);
});

test('a sender is asked for one message more than is on its way, and no more', async () => {
  let asked = 0;
  async function* messages() {
    for (; asked < 4; asked += 1) yield await Promise.resolve(asked);
  }
  const leave: (() => void)[] = [];
  const { done } = sendAll(messages(), (_message, onLeft) => leave.push(onLeft), 1);
  await turns(5);
  // The first is on its way, the second waits behind it; none of the rest was made.
  expect(leave).toHaveLength(2);
  expect(asked).toBe(1);
  for (let left = leave.shift(); left !== undefined; left = leave.shift()) {
    left();
    await turns(3);
  }
  await done;
  expect(asked).toBe(4);
});

test('what the messages of a sender fail by, it is told, behind those that have left', async () => {
  async function* messages() {
    yield await Promise.resolve(1);
    throw new Error('no second one');
  }
  const sent: number[] = [];
  const { done } = sendAll(messages(), (message, onLeft) => {
    sent.push(message);
    onLeft();
  });
  await expect(done).rejects.toThrow('no second one');
  expect(sent).toEqual([1]);
});

test('a message comes for each that is pulled; who leaves says so once, and is sent none', async () => {
  let asked = 0;
  let left = 0;
  const incoming = new Incoming<number>(
    () => (asked += 1),
    () => (left += 1),
  );
  const first = incoming.next();
  incoming.take(1);
  expect(await first).toEqual({ done: false, value: 1 });
  expect(asked).toBe(1);
  const second = incoming.next();
  await incoming.return();
  incoming.take(2);
  expect(await second).toEqual({ done: true, value: undefined });
  await incoming.return();
  expect([asked, left]).toEqual([2, 1]);
});

test('a stream that fails does so for all who pull, whatever its end is said to be later', async () => {
  const incoming = new Incoming<number>(() => undefined);
  const waiting = incoming.next();
  incoming.end(new Error('lost'));
  incoming.end(null);
  await expect(waiting).rejects.toThrow('lost');
  await expect(incoming.next()).rejects.toThrow('lost');
});
