// Who asks and takes no answer must not fill the server's memory, nor its places; who reads must never be let go for it.
// Streams are noted by a clock of the test's own, and a real client that opens no window meets a real server.
import { EventEmitter, once } from 'node:events';
import { connect as connectHttp2, type ServerHttp2Stream } from 'node:http2';
import { expect, onTestFinished, test } from 'vitest';
import { UNREAD_BYTES_MAX, UNREAD_MS_MIN } from '../../src/grpc/limits.js';
import { METHODS } from '../../src/grpc/net/service-definition.js';
import { UnreadAnswers } from '../../src/grpc/net/unread-answers.js';
import { appending, entryAt, framed, opened, rawCalls } from './raw-session.js';
import { connected, served } from './served.js';

/** A stream of HTTP/2, as far as it is looked at. */
class Stream extends EventEmitter {
  isOpen = true;
  writableLength: number;

  constructor(bytes: number) {
    super();
    this.writableLength = bytes;
  }

  close(): void {
    this.isOpen = false;
  }
}

test('where there is no room for all, those go that have waited longest, but none within a second', () => {
  let nowMs = 0;
  const unread = new UnreadAnswers(60_000, () => nowMs);
  const note = (stream: Stream): void => unread.note(stream as unknown as ServerHttp2Stream);
  const quarter = UNREAD_BYTES_MAX / 4;
  const [silent, read, ...others] = Array.from({ length: 8 }, () => new Stream(quarter));
  if (silent === undefined || read === undefined) throw new Error('no streams');
  note(silent);
  note(read);
  for (const one of others.slice(0, 4)) note(one);
  expect([silent, read, ...others].every(({ isOpen }) => isOpen)).toBe(true);
  nowMs = UNREAD_MS_MIN;
  // Some of it was taken: it waits anew.
  note(read);
  for (const one of others.slice(4)) note(one);
  expect(silent.isOpen).toBe(false);
  expect(others.map(({ isOpen }) => isOpen)).toEqual([false, false, false, true, true, true]);
  expect(read.isOpen).toBe(true);
});

test('calls whose answers are never taken end, whatever they asked for, and leave their places', async () => {
  const server = await served({ limits: { unreadMs: 100, callsMax: 8 } });
  const calls = rawCalls(server.port);
  const session = await opened(calls, { name: 'b' });
  await calls.save({ session, change: appending(1, 1) });
  const log = await connected(server);
  await log.save({ hardState: { term: 1 }, entries: [entryAt(1)] });
  const http2 = connectHttp2(`http://127.0.0.1:${server.port}`, { settings: { initialWindowSize: 0 } });
  onTestFinished(() => http2.destroy());
  const ends = (
    [
      ['getState', { name: 'b' }],
      ['entries', { name: 'b', from: 1, until: 2 }],
      ['watch', { session }],
      ['saveStream', { session, changes: [appending(1, 1)] }],
      ['verify', { name: 'b' }],
    ] as const
  ).map(async ([method, request]) => {
    const { path, requestSerialize } = METHODS[method];
    const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = http2.request(headers);
    stream.on('error', () => undefined);
    // Of SaveStream too the server does not hear that nothing more comes.
    stream.write(framed(requestSerialize(request)));
    if (method !== 'saveStream') stream.end();
    await once(stream, 'close');
  });
  await Promise.all(ends);
  await log.append([entryAt(2)]);
  expect((await calls.getState({ name: 'a' })).state?.lastIndex).toBe(2);
  await log.close();
});
