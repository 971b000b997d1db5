/**
 * A server of logs is run by an operator, killed by the system, and asked at night how a log does; none of it may cost an
 * acknowledged save. Tried as processes: served, looked at, killed under load, ended.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connectRaftLog } from '../../src/grpc/index.js';
import { scratch } from '../raft-log/scratch-log.js';
import { keelson } from './stores.js';

const PROGRAM = join(import.meta.dirname, '../../dist/src/cli/main.js');

interface Served {
  readonly child: ChildProcess;
  readonly port: number;
  readonly metricsPort: number;
}

/** The command, as it runs until it is ended. */
async function serve(root: string, port = 0, descriptors = 'unlimited'): Promise<Served> {
  const args = [
    PROGRAM,
    'serve',
    root,
    '--checkpoints',
    root,
    '--port',
    String(port),
    '--metrics-port',
    '0',
    '--segment-bytes',
    '65536',
  ];
  const limited = descriptors === 'unlimited' ? '' : `ulimit -n ${descriptors}; `;
  const child = spawn('sh', ['-c', `${limited}exec "$0" "$@"`, process.execPath, ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const portOf = async (): Promise<number> =>
    Number(/:(\d+)(\/metrics)?$/u.exec(String((await lines.next()).value))?.[1]);
  return { child, port: await portOf(), metricsPort: await portOf() };
}

const entry = (index: number) => ({ index, term: 1, data: Buffer.from(`entry ${index}`) });

test('serve tells who starts it that its root is not there', async () => {
  const { code, stderr } = await keelson('serve', join(scratch(), 'missing'), '--port', '0');
  expect(code).not.toBe(0);
  expect(stderr).toContain('KEELSON_NOT_A_LOG');
});

test('serve and remote: a log is saved, looked at, compacted and served to its end', async () => {
  const { child, port, metricsPort } = await serve(scratch());
  const log = await connectRaftLog(`127.0.0.1:${port}`, { name: 'orders' });
  await log.save({ hardState: { term: 1, vote: 'node-1', commit: 2 }, entries: [entry(1), entry(2)] });
  await log.createSnapshot({ index: 2, conf: Buffer.of(1), data: Buffer.from('state') });
  const place = `127.0.0.1:${port}/orders`;
  const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  for (const line of [
    'keelson_saves_total{log="orders"} 2',
    'keelson_sessions 1',
    'keelson_sync_seconds_count{log="orders"} 2',
  ])
    expect(metrics).toContain(line);
  expect(metrics).toMatch(/keelson_call_seconds_count\{method="open",code="OK"\} 1/u);
  expect((await keelson('remote', 'compact', place, '--up-to', '1')).stdout).toBe('');
  await log.close();
  const status = await keelson('remote', 'status', place);
  expect(status.code).toBe(0);
  for (const part of [
    'entries       1..2, 2 in all, last term 1',
    'vote "node-1", commit 2',
    'index 2, term 1',
    'session       none',
  ])
    expect(status.stdout).toContain(part);
  expect((await keelson('remote', 'verify', place)).stdout).toContain(`${place} is sound`);
  // Something else listens there.
  const foreign = `127.0.0.1:${metricsPort}`;
  const told = await keelson('remote', 'status', `${foreign}/orders`, '--json');
  expect(told.code).toBe(3);
  const { error } = JSON.parse(told.stdout) as { error: { code: string; message: string } };
  expect(error.code).toBe('KEELSON_READ_FAILED');
  expect(error.message).toContain(`${foreign} gave no answer`);
  const dumped = (await keelson('remote', 'dump', place, '--data', 'utf8')).stdout.trim().split('\n');
  expect(dumped.map((line) => JSON.parse(line) as unknown)[2]).toMatchObject({ index: 2, data: 'entry 2' });
  expect((await keelson('remote', 'checkpoint', place, '--to', 'copy', '--scope', 'all')).stdout).toMatch(
    /copy, on the server, is a checkpoint of .*: the snapshot of index 2, 0 segments/u,
  );
  expect((await keelson('remote', 'compact', place, '--up-to', '1')).stdout).toContain('begins behind 1');
  expect(await keelson('remote', 'status', `127.0.0.1:${port}/nothing`)).toMatchObject({ code: 3 });
  const cut = await keelson('remote', 'dump', `127.0.0.1:${port}/nothing`);
  expect(JSON.parse(cut.stdout)).toMatchObject({ type: 'error', error: { code: 'KEELSON_NOT_A_LOG' } });
  expect(await keelson('remote', 'look', place)).toMatchObject({ code: 2 });
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
});

test('kill -9 of the server under load: what has no answer is settled by the next one, and nothing is there twice', async () => {
  const root = scratch();
  let served = await serve(root);
  const { port } = served;
  const log = await connectRaftLog(`127.0.0.1:${port}`, { name: 'load', patienceMs: 60_000 });
  const saves: Promise<unknown>[] = [log.setHardState({ term: 1 })];
  let index = 0;
  for (let kill = 0; kill < 2; kill += 1) {
    for (let count = 0; count < 200; count += 1) {
      index += 1;
      saves.push(log.append([entry(index)]));
      if (count % 20 === 19) await saves.at(-20);
    }
    const ended = once(served.child, 'exit');
    served.child.kill('SIGKILL');
    await ended;
    served = await serve(root, port);
  }
  const results = (await Promise.all(saves)) as { readonly lsn: number }[];
  expect(results.at(-1)?.lsn).toBe(saves.length);
  expect((await log.entries(1, index + 1)).map(({ data }) => Buffer.from(data).toString())).toEqual(
    Array.from({ length: index }, (_, at) => `entry ${at + 1}`),
  );
  await log.close();
});

test.skipIf(process.platform !== 'linux')(
  'strangers that connect as often as they can leave descriptors for the log of another (skipped: needs Linux)',
  async () => {
    const { port } = await serve(scratch(), 0, '96');
    const log = await connectRaftLog(`127.0.0.1:${port}`, { name: 'orders' });
    await log.setHardState({ term: 1 });
    const strangers = Array.from({ length: 150 }, () => connect(port, '127.0.0.1'));
    await Promise.all(
      strangers.map(async (socket) => {
        socket.on('error', () => undefined);
        await once(socket, 'connect');
        // As a client of HTTP/2 begins.
        socket.write(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0'));
      }),
    );
    // Some segments are filled.
    const data = new Uint8Array(20_000);
    for (let index = 1; index <= 12; index += 1) await log.append([{ index, term: 1, data }]);
    for (const socket of strangers) socket.destroy();
    await log.close();
  },
);
