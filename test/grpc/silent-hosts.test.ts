// The host of a client, or of the server, may go without a word: no FIN, no reset, and a connection that looks well for ever.
// A proxy in between stops to carry anything, both ways; both sides must find out, and no one else may feel it.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { connectTo } from '../../src/grpc/net/connect-raft-log.js';
import { all, entryAt, failureOf, opened } from './raw-session.js';
import { connected, served } from './served.js';

/** Carries bytes to a port, until it is told to carry none any more. */
async function proxyTo(port: number): Promise<{ readonly port: number; readonly freeze: () => void }> {
  const sockets: Socket[] = [];
  const listening = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    sockets.push(near, far);
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.pipe(far);
    far.pipe(near);
  });
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  return {
    port: (listening.address() as AddressInfo).port,
    freeze: () => {
      // And takes nobody new.
      listening.close();
      for (const socket of sockets) socket.unpipe().pause();
    },
  };
}

test('a client whose host went silent is let go, and one behind a silent server is told', async () => {
  const server = await served({ limits: { silentMs: 500 } });
  const proxy = await proxyTo(server.port);
  const log = await connected({ port: proxy.port }, { patienceMs: 1500 });
  await log.save({ hardState: { term: 1 }, entries: [entryAt(1)] });
  const { calls, close } = connectTo(`127.0.0.1:${proxy.port}`, {}, 500);
  onTestFinished(close);
  const session = await opened(calls, { name: 'b' });
  const watched = calls.watch({ session })[Symbol.asyncIterator]();
  await watched.next();
  const ended = failureOf(all({ [Symbol.asyncIterator]: () => watched }));
  expect(server.connections).toBe(2);
  proxy.freeze();
  const unanswered = failureOf(log.append([entryAt(2)]));
  // Someone else goes on with the log meanwhile.
  const other = await connected(server, { takeOver: true });
  await other.append([entryAt(2)]);
  expect(await unanswered).toMatchObject({ code: 'KEELSON_FATE_UNKNOWN' });
  while (server.connections > 1) await other.append([entryAt(other.lastIndex + 1)]);
  await other.close();
  await log.close();
  expect(await ended).toMatchObject({ name: 'ConnectionLost' });
});
