// Whoever can reach the port can send anything to it, and must harm nobody but himself.
// Garbage, giants, silence, wrong tokens and very many streams meet a server on which a log is saved meanwhile.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectHttp2, type ClientHttp2Stream } from 'node:http2';
import { connect } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentials, Client } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { connectTo } from '../../src/grpc/net/connect-raft-log.js';
import { scratchDirectory } from '../disk/scratch-directory.js';
import { WINDOW_BYTES, WINDOWS_BYTES_MAX } from '../../src/grpc/limits.js';
import { Error as ErrorMessage } from '../../src/grpc/generated/keelson/v1/raft_log.js';
import { METHODS } from '../../src/grpc/net/service-definition.js';
import { packEntries } from '../../src/grpc/wire/entry-batch.js';
import { all, appending, entryAt, failureOf, framed, opened, rawCalls } from './raw-session.js';
import { connected, served } from './served.js';

test('garbage, and a connection that never speaks, are ended; a log is saved beside them', async () => {
  const server = await served({ limits: { silentMs: 100, connectionsMax: 20 } });
  const log = await connected(server);
  await log.save({ hardState: { term: 1 }, entries: [entryAt(1)] });
  const silent = connect(server.port, '127.0.0.1');
  const garbage = Array.from({ length: 30 }, (_, at) => {
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.end(
      at % 2 === 0 ? 'GET / HTTP/1.1\r\n\r\n' : `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'\u00ff'.repeat(5000)}`,
    );
    socket.resume();
    return once(socket, 'close');
  });
  silent.on('error', () => undefined);
  silent.resume();
  await Promise.all([...garbage, once(silent, 'close')]);
  await log.append([entryAt(2)]);
  expect(log.lastIndex).toBe(2);
  await log.close();
});

test('what is no message, and a message that is too large, are errors of their calls alone', async () => {
  const server = await served();
  const calls = rawCalls(server.port);
  const session = await opened(calls);
  const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
  const refused = await new Promise((resolve) => {
    const bytes = (given: Buffer): Buffer => given;
    const path = '/keelson.v1.RaftLogService/Save';
    client.makeUnaryRequest(path, bytes, bytes, Buffer.from('ffffffffff', 'hex'), (error) => {
      resolve(error);
    });
  });
  client.close();
  expect(refused).toMatchObject({ code: 3 });
  const entries = packEntries([{ ...entryAt(1), data: new Uint8Array(70_000_000) }]);
  const value = { entries, stable: [] };
  const giant = calls.save({ session, change: { number: 1, answered: 0, change: { $case: 'save', value } } });
  expect(await failureOf(giant)).toMatchObject({
    code: 'KEELSON_TOO_LARGE',
    details: { fate: 'not-persisted' },
  });
  await calls.save({ session, change: appending(1, 1) });
});

test('more than the usual room on the way is given to who has a log, and to nobody else', async () => {
  const server = await served();
  const session = await opened(rawCalls(server.port));
  const stranger = { ...session, epoch: session.epoch + 1 };
  const found: unknown[] = [];
  for (const given of [stranger, session]) {
    const http2 = connectHttp2(`http://127.0.0.1:${server.port}`);
    onTestFinished(() => {
      http2.destroy();
    });
    const headers = { ':method': 'POST', ':path': '/keelson.v1.RaftLogService/SaveStream', te: 'trailers' };
    const call = http2.request({ ...headers, 'content-type': 'application/grpc' });
    const message = METHODS.saveStream.requestSerialize({ session: given, changes: [] });
    const widened = new Promise((resolve) => {
      http2.on('remoteSettings', ({ initialWindowSize = 0 }) => {
        if (initialWindowSize > 65_535) resolve(initialWindowSize);
      });
    });
    call.write(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
    call.resume();
    // The stranger's call ends; the other one goes on.
    found.push(await Promise.race([widened, once(call, 'end').then(() => http2.remoteSettings)]));
  }
  expect(found).toMatchObject([{ initialWindowSize: 65_535 }, WINDOW_BYTES]);
});

test('streams of a connection that was given more room have it for so many bytes, and then as any other', async () => {
  const server = await served({ limits: { streamsMax: 2000 } });
  const session = await opened(rawCalls(server.port));
  const begin = begunCall(server.port, 'SaveStream');
  const call = begin();
  const told: number[] = [];
  const widths = (count: number): Promise<void> =>
    new Promise((resolve) => {
      call.session?.on('remoteSettings', ({ initialWindowSize = 0 }) => {
        if (initialWindowSize !== told.at(-1)) told.push(initialWindowSize);
        if (told.length === count) resolve();
      });
    });
  const [isWide, isNarrow] = [widths(2), widths(3)];
  call.write(framed(METHODS.saveStream.requestSerialize({ session, changes: [] })));
  await isWide;
  const most = WINDOWS_BYTES_MAX / WINDOW_BYTES;
  for (let at = 0; at < most; at += 1) begin();
  await isNarrow;
  expect(told).toEqual([65_535, WINDOW_BYTES, 65_535]);
  call.session?.destroy();
  // What they had is free again.
  const log = await connected(server, { takeOver: true });
  await log.save({ hardState: { term: 1 }, entries: [entryAt(1)] });
  await log.close();
});

test('calls beyond the limit are refused, and leave room again when they end', async () => {
  const server = await served({ limits: { callsMax: 20 } });
  const calls = rawCalls(server.port);
  const session = await opened(calls);
  const warnings: string[] = [];
  const onWarning = ({ name }: Error): void => {
    warnings.push(name);
  };
  process.on('warning', onWarning);
  onTestFinished(() => {
    process.off('warning', onWarning);
  });
  const given = new AbortController();
  const streams = Array.from({ length: 40 }, () => {
    const watching = calls.watch({ session }, given.signal)[Symbol.asyncIterator]();
    return watching.next().then(
      () => 'watching',
      (error: unknown) => (error as { readonly code: string }).code,
    );
  });
  const said = await Promise.all(streams);
  expect(new Set(said)).toEqual(new Set(['watching', 'KEELSON_QUEUE_FULL']));
  // Node takes the eleventh listener of one signal for a leak.
  expect(warnings).toEqual([]);
  given.abort();
  let saved = false;
  while (!saved)
    saved = await calls.save({ session, change: appending(1, 1) }).then(
      () => true,
      () => false,
    );
});

test('a token opens the door, another one and none do not, and a new file of tokens counts', async () => {
  const file = join(scratchDirectory(), 'tokens');
  const [first, second] = ['a-token-of-enough-length', 'another-token-of-enough'];
  writeFileSync(file, `${first}\n`);
  const server = await served({ tokenFile: file });
  const own = join(scratchDirectory(), 'token');
  writeFileSync(own, second);
  expect(await failureOf(connected(server))).toMatchObject({
    code: 'KEELSON_INVALID_ARGUMENT',
    details: { argument: 'token' },
  });
  expect(await failureOf(connected(server, { tokenFile: own }))).toMatchObject({
    details: { argument: 'token' },
  });
  writeFileSync(file, `${first}\n${second}\n`);
  for (;;) {
    const log = await connected(server, { tokenFile: own }).catch(() => null);
    if (log === null) continue;
    await log.close();
    break;
  }
});

test('nothing is taken in of a message whose call may not be made, and half a message is a call under way', async () => {
  const file = join(scratchDirectory(), 'tokens');
  const token = 'a-token-of-enough-length';
  writeFileSync(file, token);
  const server = await served({ tokenFile: file, limits: { callsMax: 8 } });
  const session = connectHttp2(`http://127.0.0.1:${server.port}`);
  onTestFinished(() => session.destroy());
  const path = '/keelson.v1.RaftLogService/Save';
  const half = (given: Record<string, string>): ClientHttp2Stream => {
    const headers = { ':path': path, ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request({ ...headers, ...given });
    stream.on('error', () => undefined);
    // So many bytes are to come, and do not.
    stream.write(Buffer.from('0003ffffff', 'hex'));
    stream.write(Buffer.alloc(16_384));
    return stream;
  };
  const statusOf = async (stream: ClientHttp2Stream): Promise<unknown> => {
    const [{ 'grpc-status': found }] = (await once(stream, 'response')) as [Record<string, unknown>];
    return found;
  };
  expect(await statusOf(half({}))).toBe('16');
  const authorization = `Bearer ${token}`;
  const streams = Array.from({ length: 8 }, () => half({ authorization }));
  expect(await statusOf(half({ authorization }))).toBe('8');
  for (const stream of streams) stream.close();
  for (;;) {
    const log = await connected(server, { tokenFile: file }).catch(() => null);
    if (log === null) continue;
    await log.close();
    break;
  }
});

test('messages that never come whole take no more than is allowed for all of them', async () => {
  const server = await served({ limits: { partBytesMax: 2 ** 20 } });
  const log = await connected(server);
  const session = connectHttp2(`http://127.0.0.1:${server.port}`);
  onTestFinished(() => session.destroy());
  const told = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const stream = session.request({
        ':path': '/keelson.v1.RaftLogService/Save',
        ':method': 'POST',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      stream.on('error', () => undefined);
      stream.write(Buffer.from('0003ffffff', 'hex'));
      const whole = new Promise((resolve) => stream.write(Buffer.alloc(500_000), resolve));
      const [first] = await Promise.race([once(stream, 'response'), whole.then(() => [null])]);
      return (first as Record<string, unknown> | null)?.['grpc-status'] ?? 'waits';
    }),
  );
  expect(told.filter((one) => one === '8').length).toBeGreaterThanOrEqual(5);
  // So is a stream that was answered before, with its status.
  const { calls, close } = connectTo(`127.0.0.1:${server.port}`, {});
  onTestFinished(close);
  const own = await opened(calls, { name: 'b' });
  const entries = packEntries([{ ...entryAt(1), data: new Uint8Array(5_000_000) }]);
  const change = { $case: 'save', value: { entries, stable: [] } } as const;
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  async function* requests() {
    yield { session: own, changes: [] };
    await begun;
    yield { changes: [{ number: 1, answered: 0, change }] };
    await new Promise(() => undefined);
  }
  const answers = calls.saveStream(requests())[Symbol.asyncIterator]();
  await answers.next();
  begin();
  expect(await failureOf(answers.next())).toMatchObject({ code: 'KEELSON_QUEUE_FULL' });
  await calls.save({ session: own, change: appending(1, 1) });
  // A message of less than the part that each may have goes on.
  await log.save({ hardState: { term: 1 }, entries: [{ ...entryAt(1), data: new Uint8Array(40_000) }] });
  session.destroy();
  await log.append([{ ...entryAt(2), data: new Uint8Array(500_000) }]);
  await log.close();
});

test('it listens elsewhere than on loopback only behind TLS', async () => {
  expect(await failureOf(served({ host: '0.0.0.0' }))).toMatchObject({
    code: 'KEELSON_INVALID_ARGUMENT',
    details: { argument: 'host' },
  });
});

const openssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

test.skipIf(!openssl)(
  'over TLS a client of the authority is let in, and one of none is not; new files count (skipped: needs openssl)',
  async () => {
    const dir = scratchDirectory();
    const run = (...args: string[]): void => {
      execFileSync('openssl', args, { stdio: 'ignore', cwd: dir });
    };
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const authority = (name: string): string => {
      const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`];
      run('req', '-x509', ...key, ...files, '-subj', `/CN=${name}`, '-days', '2');
      return join(dir, `${name}.pem`);
    };
    const issue = (by: string, who: string): void => {
      const subject = ['-subj', `/CN=${who}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
      run('req', ...key, '-keyout', `${who}.key`, '-out', `${who}.csr`, ...subject);
      const signed = ['-CA', `${by}.pem`, '-CAkey', `${by}.key`, '-days', '2', '-copy_extensions', 'copy'];
      run('x509', '-req', '-in', `${who}.csr`, '-out', `${who}.pem`, ...signed);
    };
    const ca = authority('ca');
    for (const who of ['server', 'client']) issue('ca', who);
    const file = (name: string): string => join(dir, name);
    const server = await served({
      tls: { certFile: file('server.pem'), keyFile: file('server.key'), clientCaFile: ca },
    });
    const mine = { caFile: ca, certFile: file('client.pem'), keyFile: file('client.key') };
    const log = await connected(server, { tls: mine });
    await log.save({ hardState: { term: 1 }, entries: [entryAt(1)] });
    await log.close();
    for (const tls of [{ caFile: ca }, undefined]) {
      const { calls, close } = connectTo(`127.0.0.1:${server.port}`, tls === undefined ? {} : { tls });
      expect(await failureOf(calls.getState({ name: 'a' }))).toMatchObject({ name: 'ConnectionLost' });
      close();
    }
    // Key and certificate of another authority, one behind the other: between the two they do not belong together.
    const caFile = authority('next');
    issue('next', 'server');
    for (let isIn = false; !isIn;) {
      const { calls, close } = connectTo(`127.0.0.1:${server.port}`, { tls: { ...mine, caFile } });
      isIn = await calls.getState({ name: 'a' }).then(
        ({ state }) => state?.lastIndex === 1,
        () => false,
      );
      close();
    }
  },
);

test('what comes behind the end of a call is counted for nobody', async () => {
  const server = await served({ limits: { partBytesMax: 2 ** 20 } });
  const session = connectHttp2(`http://127.0.0.1:${server.port}`);
  onTestFinished(() => session.destroy());
  await Promise.all(
    Array.from({ length: 12 }, async () => {
      const stream = session.request({
        ':path': '/keelson.v1.RaftLogService/SaveStream',
        ':method': 'POST',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      stream.on('error', () => undefined);
      // A message of no field: a stream of no session.
      stream.write(Buffer.from('0000000000', 'hex'));
      await once(stream, 'response');
      stream.write(Buffer.from('0003ffffff', 'hex'));
      const written = new Promise((resolve) => stream.write(Buffer.alloc(200_000), resolve));
      await Promise.race([once(stream, 'close'), written]);
    }),
  );
  session.destroy();
  const log = await connected(server);
  await log.save({ hardState: { term: 1 }, entries: [{ ...entryAt(1), data: new Uint8Array(900_000) }] });
  await log.close();
});

/** A call that is begun, and not more. */
function begunCall(
  port: number,
  method: string,
  { service = 'keelson.v1.RaftLogService', initialWindowSize = 65_535 } = {},
) {
  const http2 = connectHttp2(`http://127.0.0.1:${port}`, { settings: { initialWindowSize } });
  onTestFinished(() => {
    http2.destroy();
  });
  return (more: Record<string, string> = {}): ClientHttp2Stream => {
    const path = `/${service}/${method}`;
    const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = http2.request({ ...headers, ...more });
    stream.on('error', () => undefined);
    return stream;
  };
}

test('whole messages whose calls are not made yet are counted, as large as they are unpacked', async () => {
  const server = await served({ limits: { partBytesMax: 2 ** 20 } });
  const begin = begunCall(server.port, 'Save');
  const told: unknown[] = [];
  for (let at = 0; at < 4; at += 1) {
    const stream = begin();
    const response = once(stream, 'response') as Promise<[Record<string, unknown>]>;
    // Its client keeps its side open.
    const written = new Promise((resolve) => stream.write(framed(Buffer.alloc(500_000)), resolve));
    const pinged = written.then(
      () => new Promise<null>((resolve) => stream.session?.ping(() => resolve(null))),
    );
    const first = await Promise.race([response.then(([headers]) => headers), pinged]);
    told.push(first?.['grpc-status'] ?? 'waits');
  }
  expect(told).toEqual(['waits', 'waits', '8', '8']);
});

test('of a stream that is not taken one message is read ahead, however small the window of its answers', async () => {
  const server = await served();
  const session = await opened(rawCalls(server.port));
  const stream = begunCall(server.port, 'SaveStream')();
  const refused = Array.from({ length: 4096 }, () => ({ number: 2 ** 40, answered: 0 }));
  const send = (value: unknown): Promise<unknown> =>
    new Promise((resolve) => stream.write(framed(METHODS.saveStream.requestSerialize(value)), resolve));
  await send({ session, changes: [] });
  for (let at = 0; at < 3; at += 1) void send({ changes: refused });
  let sent = 0;
  const entries = packEntries([{ ...entryAt(1), data: new Uint8Array(2 ** 20) }]);
  const change = { $case: 'save', value: { entries, stable: [] } };
  const sendOn = async (): Promise<void> => {
    for (; sent < 8; sent += 1) await send({ changes: [{ number: 2 ** 40, answered: 0, change }] });
  };
  void sendOn();
  for (let turn = 0; turn < 60 && !stream.destroyed; turn += 1)
    await new Promise((resolve) => stream.session?.ping(resolve));
  expect({ isOpen: !stream.destroyed, isAhead: sent > 4 }).toEqual({ isOpen: true, isAhead: false });
});

test('of a message that is refused for its last bytes nothing is done', async () => {
  const server = await served({ limits: { partBytesMax: 70_000 } });
  const calls = rawCalls(server.port);
  const session = await opened(calls);
  const entries = packEntries([{ ...entryAt(1), data: new Uint8Array(80_000) }]);
  const change = { $case: 'save', value: { entries, hardState: { term: 1, clearsVote: false }, stable: [] } };
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  async function* requests() {
    yield { session, changes: [] };
    await begun;
    yield { changes: [{ number: 1, answered: 0, change }] } as never;
    await new Promise(() => undefined);
  }
  const answers = calls.saveStream(requests())[Symbol.asyncIterator]();
  await answers.next();
  begin();
  expect(await failureOf(answers.next())).toMatchObject({ code: 'KEELSON_QUEUE_FULL' });
  await calls.save({ session, change: appending(1, 1) });
  const [read] = await all(calls.entries({ name: 'a', from: 1, until: 2, session }));
  expect(read?.entries?.sizes).toEqual([1]);
});

test('what asks for no token takes little: halves of messages, and answers that nobody takes', async () => {
  const server = await served();
  const check = begunCall(server.port, 'Check', { service: 'grpc.health.v1.Health' });
  const statuses = Array.from({ length: 5 }, async () => {
    const stream = check();
    stream.write(Buffer.from('0003ffffff', 'hex'));
    stream.write(Buffer.alloc(400_000));
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    return headers['grpc-status'];
  });
  expect(await Promise.race(statuses)).toBe('8');
  const service = 'grpc.reflection.v1.ServerReflection';
  const stream = begunCall(server.port, 'ServerReflectionInfo', { service, initialWindowSize: 0 })();
  // Asks for the symbol of that name, some hundred times.
  const name = Buffer.from('keelson.v1.RaftLogService');
  const asked = framed(Buffer.concat([Buffer.of(0x22, name.length), name]));
  const many = Buffer.concat(Array.from({ length: 400 }, () => asked));
  let sent = 0;
  const send = (): void => {
    stream.write(many, () => {
      sent += many.length;
      if (sent < 2 ** 18) send();
    });
  };
  send();
  for (let turn = 0; turn < 60; turn += 1) await new Promise((resolve) => stream.session?.ping(resolve));
  expect(sent).toBeLessThan(2 ** 17);
});

test('a compressed message is refused before it is unpacked, which could be a thousand times its size', async () => {
  const server = await served();
  const stream = begunCall(server.port, 'Save')({ 'grpc-encoding': 'gzip' });
  const [headers] = (await once(stream, 'response')) as [Record<string, string>];
  const trailer = Buffer.from(headers['keelson-error-bin'] ?? '', 'base64');
  expect(headers['grpc-status']).toBe('3');
  expect(ErrorMessage.decode(trailer)).toMatchObject({
    code: 'KEELSON_INVALID_ARGUMENT',
    argument: 'grpc-encoding',
  });
});
