import { mkdirSync } from 'node:fs';
import { connect, type ClientHttp2Session } from 'node:http2';
import { join } from 'node:path';
import { connectRaftLog } from '../src/grpc/index.js';
import type { BenchCase, CaseContext } from './case.js';
import { FedLog, payload } from './fed-log.js';
import { duel, median, type Contender } from './rounds.js';
import { ratioAtLeast, type Row } from './row.js';
import { Worker } from './turns.js';

const ENTRY_BYTES = 256;
const BATCH = 64;
/** Saves of a stream that are under way at one time. */
const UNDER_WAY = 16;
const READ_BYTES = 64 * 1024 * 1024;
const READ_ENTRY_BYTES = 4096;
const SILENT_CLIENTS = 1000;
/** Of them, so many connect at one time. */
const AT_ONCE = 50;
const MIB = 1024 * 1024;
/** Both processes have grpc-js to compile, and theirs: it takes ten seconds until a single saver is as quick as it gets. */
const WARM_UP_SHARE = 1.25;

interface Stage {
  readonly context: CaseContext;
  readonly server: Worker;
  readonly port: number;
  readonly echoPort: number;
}

/** Starts a server of its own for a case; a case without the peers it needs is left out, by name. */
function overNetwork(name: string, run: (stage: Stage) => Promise<Row[]>): BenchCase {
  return {
    name,
    run: async (context) => {
      if ((await import('@grpc/grpc-js').catch(() => null)) === null) {
        console.error(`${name}: skipped: not there: npm install @grpc/grpc-js`);
        return [];
      }
      const root = context.scratch.fresh();
      mkdirSync(root);
      const program = join(import.meta.dirname, 'log-server.js');
      const server = new Worker('the server', process.execPath, ['--expose-gc', program, root]);
      try {
        const [port = 0, echoPort = 0] = (await server.ask('ports')).split(' ').map(Number);
        return await run({ context, server, port, echoPort });
      } finally {
        await server.close();
        context.scratch.drop(root);
      }
    },
  };
}

function remote(port: number, name: string, entryBytes: number = ENTRY_BYTES): Promise<FedLog> {
  return connectRaftLog(`127.0.0.1:${port}`, { name }).then((log) => FedLog.over(log, entryBytes));
}

function planOf({ context }: Stage, work: string) {
  const { rounds, seconds } = context.options;
  const onRound = (round: number): void => {
    context.progress(`${work}: round ${round} of ${rounds}`);
  };
  return { rounds, seconds, onRound, warmUpMs: seconds * WARM_UP_SHARE * 1000 };
}

/** A stream of saves, beside the same saves on a log of this process. */
async function saveStream(stage: Stage): Promise<Row[]> {
  const work = `stream of saves, ${BATCH} x ${ENTRY_BYTES} B, over the network`;
  const dir = stage.context.scratch.fresh();
  const far = await remote(stage.port, 'saves');
  const near = await FedLog.open(dir, ENTRY_BYTES);
  const prepare = async (): Promise<void> => {
    await far.forget();
    await near.forget();
  };
  const streamed =
    (fed: FedLog): Contender =>
    (untilMs) =>
      fed.saveTogether(untilMs, UNDER_WAY, BATCH);
  const { keelson, reference, ratio } = await duel(
    { ...planOf(stage, work), prepare },
    streamed(far),
    streamed(near),
  );
  await Promise.all([far.log.close(), near.log.close()]);
  stage.context.scratch.drop(dir);
  const value = { name: 'the log of this process', value: reference };
  return [{ work, unit: 'entries/s', keelson, reference: value, ratio, budget: ratioAtLeast(0.5) }];
}

/** One save after the other, beside messages of the same bytes that nobody looks at or keeps. */
async function oneSaver(stage: Stage): Promise<Row[]> {
  const work = `one saver, 1 x ${ENTRY_BYTES} B, over the network`;
  const { Client, credentials } = await import('@grpc/grpc-js');
  const far = await remote(stage.port, 'one');
  const client = new Client(`127.0.0.1:${stage.echoPort}`, credentials.createInsecure());
  const bytes = (given: Buffer): Buffer => given;
  const call = client.makeBidiStreamRequest('/bench.Echo/Echo', bytes, bytes);
  const message = Buffer.from(payload(ENTRY_BYTES + 64));
  const echoed: Contender = async (untilMs) => {
    let count = 0;
    for (; performance.now() < untilMs; count += 1) {
      const answer = new Promise((resolve) => call.once('data', resolve));
      call.write(message);
      await answer;
    }
    return count;
  };
  const { keelson, reference, ratio } = await duel(
    { ...planOf(stage, work), prepare: () => far.forget() },
    (untilMs) => far.saveUntil(untilMs, 1),
    echoed,
  );
  call.end();
  client.close();
  await far.log.close();
  const value = { name: 'bare echo of grpc-js', value: reference };
  return [{ work, unit: 'entries/s', keelson, reference: value, ratio, budget: ratioAtLeast(0.6) }];
}

/** All entries of a log, as a call of the service brings them. */
async function entries(stage: Stage): Promise<Row[]> {
  const work = `entries of ${READ_ENTRY_BYTES} B, over the network`;
  const { connectTo } = await import('../src/grpc/net/connect-raft-log.js');
  const far = await remote(stage.port, 'read', READ_ENTRY_BYTES);
  const count = READ_BYTES / READ_ENTRY_BYTES;
  for (let at = 0; at < count; at += BATCH) await far.save(BATCH);
  const { calls, close } = connectTo(`127.0.0.1:${stage.port}`, {});
  const rates: number[] = [];
  for (let round = 0; round <= stage.context.options.rounds; round += 1) {
    const startMs = performance.now();
    let bytes = 0;
    for await (const message of calls.entries({ name: 'read', from: 1, until: count + 1 }))
      bytes += message.entries?.data.length ?? 0;
    if (round > 0) rates.push(bytes / MIB / ((performance.now() - startMs) / 1000));
    stage.context.progress(`${work}: round ${round}`);
  }
  close();
  await far.log.close();
  const keelson = median(rates);
  const budget = { of: 'figure', sense: 'at least', value: 150 } as const;
  const reference = { name: 'wanted', value: 150 };
  return [{ work, unit: 'MiB/s', keelson, reference, ratio: keelson / 150, budget }];
}

/** Clients that ask for all of a log and never read: what the server holds for them. */
async function silentClients(stage: Stage): Promise<Row[]> {
  const { port, server, context } = stage;
  const work = `server with ${SILENT_CLIENTS} clients that never read: memory above its log`;
  const { EntriesRequest } = await import('../src/grpc/generated/keelson/v1/raft_log.js');
  const far = await remote(port, 'read', READ_ENTRY_BYTES);
  const count = READ_BYTES / READ_ENTRY_BYTES / 4;
  for (let at = 0; at < count; at += BATCH) await far.save(BATCH);
  const beforeBytes = Number(await server.ask('memory'));
  const message = EntriesRequest.encode({ name: 'read', from: 1, until: count + 1 }).finish();
  const framed = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
  const sessions: ClientHttp2Session[] = [];
  const ask = (): Promise<void> =>
    new Promise((resolve) => {
      const session = connect(`http://127.0.0.1:${port}`);
      sessions.push(session);
      const headers = { ':method': 'POST', ':path': '/keelson.v1.RaftLogService/Entries' };
      const call = session.request({ ...headers, 'content-type': 'application/grpc', te: 'trailers' });
      call.once('response', () => {
        resolve();
      });
      call.on('error', () => undefined).end(framed);
    });
  for (let client = 0; client < SILENT_CLIENTS; client += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, ask));
    context.progress(`${work}: ${client} of them`);
  }
  // Behind all that they were sent, since the server answers in its turn.
  await far.save(1);
  const heldBytes = Number(await server.ask('memory')) - beforeBytes;
  for (const session of sessions) session.destroy();
  await far.log.close();
  const keelson = heldBytes / MIB;
  const budget = { of: 'figure', sense: 'at most', value: 64 } as const;
  return [
    { work, unit: 'MiB', keelson, reference: { name: 'allowed', value: 64 }, ratio: keelson / 64, budget },
  ];
}

/** What the network costs. */
export const networkCases: readonly BenchCase[] = [
  overNetwork('network-stream', saveStream),
  overNetwork('network-one', oneSaver),
  overNetwork('network-entries', entries),
  overNetwork('network-silent', silentClients),
];
