import { openRemoteLog } from '../../src/grpc/client/remote-raft-log.js';
import type { RaftLogCalls } from '../../src/grpc/calls.js';
import { logsBelow } from '../../src/grpc/server/log-source.js';
import { RaftLogHost } from '../../src/grpc/server/raft-log-host.js';
import { isKeelsonError } from '../../src/errors/index.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { createSimulatedDisk } from '../disk/simulated-disk.js';
import { simulatedEnvironment } from '../world/simulated-environment.js';
import { CutCalls } from './cut-calls.js';

/**
 * What is cut off at a message: `'twice'` the connection, and again a few messages later, while the disk is slow, so that an
 * upload goes on more than once from where the log has not come for it. At `'end'` nothing is: the server ends by itself
 * then, and another follows.
 */
export const CUTS = ['connection', 'server', 'power', 'end', 'twice'] as const;
export type Cut = (typeof CUTS)[number];

/** What a session came to. */
export interface CutSession {
  /** Messages of the whole session. */
  readonly messages: number;
  /** What each save was told: `'saved'`, or the code of its error and what it says of its fate. */
  readonly told: readonly string[];
  /** What is wrong with what is there; empty if nothing is. */
  readonly findings: readonly string[];
}

const PATIENCE_MS = 600_000;
const SNAPSHOT_PIECES = 5;
const PIECE_BYTES = 100_000;
/** Messages from one cut to the next: what it takes to connect again, and to send a piece or two. */
const NEXT_CUT = 7;

/**
 * One session of a log with its server, in virtual time, of which the network is cut at one message; the server may die of
 * it. Afterwards what is on the disk is held against what the saves were told: **nothing acknowledged is lost, nothing is
 * there twice, nothing that was refused is there.** Every save of the session appends one entry that names it.
 */
export async function runCutSession(cutAt: number, cut: Cut): Promise<CutSession> {
  const disk = createSimulatedDisk({
    seed: `cut ${cut}`,
    profile: { calls: 'background', faults: cut === 'twice' ? { slow: 1 } : {} },
    directories: ['/logs'],
  });
  const limits = { logsMax: 8, queuedBytesMax: 2 ** 20 };
  const serve = (): RaftLogHost =>
    new RaftLogHost(logsBelow({ root: '/logs', environment: disk.environment, segmentBytes: 8192 }), limits);
  let host = serve();
  let ending = Promise.resolve();
  const network = new CutCalls(
    () => host,
    cutAt === 0 ? [] : cut === 'twice' ? [cutAt, cutAt + NEXT_CUT] : [cutAt],
    () => {
      if (cut === 'connection' || cut === 'twice') return true;
      if (cut === 'end') {
        ending = host.drain().then(() => {
          host = serve();
        });
        return false;
      }
      disk.crash(cut === 'power' ? 'power' : 'kill');
      host = serve();
      return true;
    },
  );
  const connect = (calls: RaftLogCalls, seed: number): Promise<RaftLog> =>
    openRemoteLog({
      calls,
      environment: simulatedEnvironment({ queue: disk.queue, disk: disk.disk, seed, isAlive: () => true }),
      name: 'log',
      place: 'log',
      options: { neverCreate: false, checksOff: false, verifyAll: false },
      patienceMs: PATIENCE_MS,
      // What the first one could not let go.
      takeOver: seed > 1,
      rules: {
        checks: 'strict',
        readOnly: false,
        snapshotsKept: 2,
        batchBytesMax: 2 ** 20,
        queueBytesMax: 2 ** 24,
        recentBytes: 0,
      },
      signal: undefined,
      onClosed: () => undefined,
    });
  const { told, failedReads } = await liveThrough(await connect(network.calls, 1));
  const { messages } = network;
  await ending;
  const after = await connect(host, 2);
  const findings = [...(await judge(after, told)), ...failedReads];
  await after.close();
  return { messages, told: told.map(({ outcome }) => outcome), findings };
}

interface Told {
  readonly id: number;
  outcome: string;
}

/** Saves that overlap, a snapshot beside them, a compaction, reads; then all of it again, slowly. */
async function liveThrough(
  log: RaftLog,
): Promise<{ readonly told: readonly Told[]; readonly failedReads: readonly string[] }> {
  const told: Told[] = [];
  const failedReads: string[] = [];
  // What the log shows can be read, whatever was cut: the connection will be there again.
  const read = async (what: string, work: Promise<unknown>): Promise<void> => {
    if (log.status !== 'failed')
      await work.catch((error: unknown) => failedReads.push(`${what} failed: ${String(error)}`));
  };
  const waiting: Promise<unknown>[] = [];
  const note = (work: Promise<unknown>): Promise<unknown> => {
    const noted = work.catch(() => undefined);
    waiting.push(noted);
    return noted;
  };
  const save = (): Promise<unknown> => {
    const one: Told = { id: told.length + 1, outcome: 'waiting' };
    told.push(one);
    const index = log.accepted.lastIndex + 1;
    const { term } = log.accepted.hardState;
    const hardState = { term: term + (one.id % 3 === 0 ? 1 : 0), commit: Math.max(0, index - 2) };
    const entries = [{ index, term: hardState.term, data: Buffer.from(String(one.id)) }];
    return note(
      log.save({ entries, hardState }).then(
        () => {
          one.outcome = 'saved';
        },
        (error: unknown) => {
          one.outcome = isKeelsonError(error) ? `${error.code} ${error.details.fate ?? ''}` : String(error);
        },
      ),
    );
  };
  for (let count = 0; count < 4; count += 1) void save();
  await save();
  const snapshot = note(log.createSnapshot({ index: 2, conf: Buffer.of(1), data: pieces() }));
  for (let count = 0; count < 4; count += 1) void save();
  await save();
  await snapshot;
  void note(log.compact(1));
  void save();
  await save();
  await read('entries', log.entries(log.firstIndex, log.lastIndex + 1));
  await read('the snapshot', readSnapshot(log));
  await save();
  await Promise.all(waiting);
  await log.close();
  return { told, failedReads };
}

async function* pieces(): AsyncGenerator<Uint8Array> {
  for (let count = 0; count < SNAPSHOT_PIECES; count += 1) yield new Uint8Array(PIECE_BYTES).fill(count);
}

async function readSnapshot(log: RaftLog): Promise<Buffer> {
  const opened = await log.openSnapshot();
  const read: Uint8Array[] = [];
  if (opened !== null) for await (const piece of opened.data) read.push(piece);
  return Buffer.concat(read);
}

async function judge(log: RaftLog, told: readonly Told[]): Promise<string[]> {
  const findings: string[] = [];
  const entries = await log.entries(log.firstIndex, log.lastIndex + 1);
  const there = entries.map(({ data }) => Number(Buffer.from(data).toString()));
  // The first one alone may be compacted.
  if (log.firstIndex === 2) there.unshift(1);
  if (new Set(there).size < there.length) findings.push(`an entry is there twice: ${there.join(' ')}`);
  if (there.some((id, at) => at > 0 && id < (there[at - 1] as number)))
    findings.push(`entries are out of order: ${there.join(' ')}`);
  for (const { id, outcome } of told) {
    const isThere = there.includes(id);
    if (outcome === 'saved' && !isThere) findings.push(`save ${id} was acknowledged and is lost`);
    if (outcome.endsWith('not-persisted') && isThere)
      findings.push(`save ${id} was refused (${outcome}) and is there`);
    if (outcome === 'waiting') findings.push(`save ${id} was never told anything`);
  }
  if (log.snapshot !== null) {
    const read = await readSnapshot(log);
    const sent: Uint8Array[] = [];
    for await (const piece of pieces()) sent.push(piece);
    if (!read.equals(Buffer.concat(sent)))
      findings.push(`the snapshot, of ${read.length} bytes, is not what was sent`);
  }
  return findings;
}
