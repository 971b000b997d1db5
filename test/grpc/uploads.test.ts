// A snapshot whose upload breaks off while the disk is slow must be what its client sent, no piece twice and none left out.
// The log takes a piece and does not come for the next, its stream is cut there, and others go on with the upload.
import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ConnectionLost, type RaftLogCalls } from '../../src/grpc/calls.js';
import type { SnapshotUpload } from '../../src/grpc/generated/keelson/v1/raft_log.js';
import { checksum } from '../../src/format/checksum.js';
import { logsBelow, type LogSource } from '../../src/grpc/server/log-source.js';
import { RaftLogHost } from '../../src/grpc/server/raft-log-host.js';
import { scratchDirectory } from '../disk/scratch-directory.js';
import { all, appending, failureOf, opened } from './raw-session.js';

const PIECE = 1000;

/** A host whose logs have a piece of a snapshot, and do not come for the next before the disk answers. */
function slowHost() {
  const logs = logsBelow({ root: scratchDirectory() });
  const disk = { isSlow: true, answer: (): void => undefined };
  const open: LogSource['open'] = async (name, options) => {
    const hosted = await logs.open(name, options);
    const make = hosted.log.createSnapshot.bind(hosted.log);
    hosted.log.createSnapshot = (given) => {
      async function* slowly() {
        for await (const piece of given.data as AsyncIterable<Uint8Array>) {
          yield piece;
          if (!disk.isSlow) continue;
          const answers = new Promise<void>((resolve) => {
            disk.answer = resolve;
          });
          await answers;
        }
      }
      return make({ ...given, data: slowly() });
    };
    return hosted;
  };
  const host = new RaftLogHost({ ...logs, open }, { logsMax: 1, queuedBytesMax: 2 ** 25 });
  return { host, disk };
}

/** Until all that can go on without the disk did. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
}

function pieceOf(data: Uint8Array, at: number) {
  const part = data.subarray(at, at + PIECE);
  return { part: { $case: 'piece', value: { data: part, checksum: checksum(part) } } as const };
}

async function readBack(calls: RaftLogCalls): Promise<Buffer> {
  const parts = await all(calls.openSnapshot({ name: 'a', offset: 0 }));
  return Buffer.concat(parts.map(({ part }) => (part?.$case === 'piece' ? part.value.data : Buffer.of())));
}

test('a piece that the log has is not taken again of the stream that goes on, and none is left out', async () => {
  const { host, disk } = slowHost();
  const session = await opened(host);
  await host.save({ session, change: appending(1, 1) });
  const data = randomBytes(6 * PIECE);
  const about = { session, uploadId: randomBytes(16), index: 1, conf: Buffer.of(), number: 2, isHeld: false };
  const first = (offset: number) =>
    ({ part: { $case: 'upload', value: { ...about, offset } satisfies SnapshotUpload } }) as const;
  const received = async (): Promise<number> =>
    (await host.getUpload({ session, uploadId: about.uploadId })).receivedBytes;
  // Each stream goes on where the server says.
  const sent = async (offset: number, until: number) => {
    async function* parts() {
      yield first(offset);
      for (let at = offset; at < until; at += PIECE) yield pieceOf(data, at);
      if (until < data.length) throw new ConnectionLost('the network was cut');
      yield { part: { $case: 'end', value: { bytes: data.length } } as const };
    }
    return host.createSnapshot(parts());
  };
  const begun = failureOf(sent(0, PIECE));
  await turns();
  const offset = await received();
  const other = failureOf(sent(offset, offset + PIECE));
  await turns();
  disk.isSlow = false;
  disk.answer();
  expect(await begun).toMatchObject({ name: 'ConnectionLost' });
  expect(await other).toMatchObject({ name: 'ConnectionLost' });
  // Under the same name, of another index.
  async function* another() {
    yield { part: { $case: 'upload', value: { ...about, index: 2, offset: await received() } } as const };
  }
  expect(await failureOf(host.createSnapshot(another()))).toMatchObject({
    code: 'KEELSON_INVALID_ARGUMENT',
    details: { argument: 'upload.index' },
  });
  await sent(await received(), data.length);
  expect((await readBack(host)).equals(data)).toBe(true);
  await host.drain();
});
