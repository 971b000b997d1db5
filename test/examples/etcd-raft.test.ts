/**
 * At stake: what etcd-io/raft is told of its log must hold while entries are only on the disk, snapshots come and go, and
 * members change; and its nodes must lose nothing under kills. Tried, where Go is, on servers in this process whose logs keep
 * nothing in memory, and by running the built example as a person would.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { etcdEngine } from '../../examples/etcd-raft/etcd-engine.js';
import { compileEngine } from '../../examples/etcd-raft/host/wasm-raft.js';
import { buildEngine, ENGINE_PATH } from '../../examples/etcd-raft/run/build-engine.js';
import type { Engine, EngineHost, MakeEngine, PeerMessage } from '../../examples/kv/host/engine.js';
import { type Entry, openRaftLog, type RaftLog } from '../../src/index.js';
import type { SnapshotPiece } from '../../sim/raft/index.js';
import { runBuilt } from './built.js';
import { scratchDirectory } from './scratch-directory.js';

const isDeep = process.env['KEELSON_DEEP'] === '1';
const lack = !isDeep
  ? ' (skipped: deep only)'
  : spawnSync('go', ['version']).error
    ? ' (skipped: no go)'
    : '';

/** Servers by name, and what they say to each other; those that are cut off hear nothing. */
class Servers {
  readonly all: Map<string, Server> = new Map();
  readonly cutOff: Set<string> = new Set();
  readonly folder: string = scratchDirectory();
  readonly make: MakeEngine;

  constructor(make: MakeEngine) {
    this.make = make;
    const ticking = setInterval(() => {
      for (const server of this.all.values()) server.engine.tick();
    }, 10);
    onTestFinished(async () => {
      clearInterval(ticking);
      for (const server of this.all.values()) await server.stop();
    });
  }

  async start(id: string, founders: readonly string[]): Promise<Server> {
    // Nothing is kept in memory: whatever the engine asks for is read from the disk first.
    const log = await openRaftLog({ dir: join(this.folder, id), recentBytes: 0, segmentBytes: 16_384 });
    const server = new Server(id, log, founders, this);
    await server.begin();
    this.all.set(id, server);
    return server;
  }

  get leader(): Server | undefined {
    return [...this.all.values()].find(
      ({ id, engine }) => engine.status.role === 'leader' && !this.cutOff.has(id),
    );
  }

  /** Asks again until a leader has taken it and applied it. */
  async write(word: string): Promise<void> {
    await until(`'${word}' to be written`, () => {
      const { leader } = this;
      if (leader?.words.at(-1) === word) return true;
      if (leader?.isIdle === true) leader.propose(word);
      return false;
    });
  }

  async untilEqual(ids: readonly string[]): Promise<void> {
    await until(`${ids.join(', ')} to hold the same`, () => {
      const held = ids.map((id) => this.all.get(id)?.words.join());
      return new Set(held).size === 1;
    });
  }
}

/** A list of words on an engine. */
class Server implements EngineHost {
  readonly id: string;
  readonly log: RaftLog;
  engine!: Engine;
  words: string[] = [];
  installs = 0;
  failure: unknown = null;
  readonly #founders: readonly string[];
  readonly #servers: Servers;
  #applied = 0;
  #proposed = 0;
  #pieces: Uint8Array[] = [];

  constructor(id: string, log: RaftLog, founders: readonly string[], servers: Servers) {
    this.id = id;
    this.log = log;
    this.#founders = founders;
    this.#servers = servers;
  }

  get isIdle(): boolean {
    return this.#applied >= this.#proposed;
  }

  async begin(): Promise<void> {
    await this.#restore();
    this.engine = this.#servers.make({
      id: this.id,
      log: this.log,
      host: this,
      appliedIndex: this.#applied,
      conf: this.log.snapshot?.conf ?? null,
      founders: this.#founders,
      members: () => ['a', 'b', 'c', 'd'],
      recentBytes: 0,
    });
  }

  propose(word: string): void {
    const proposal = this.engine.propose(Buffer.from(word));
    if (proposal.ok) this.#proposed = proposal.index;
  }

  send(messages: readonly PeerMessage[]): void {
    for (const message of messages) {
      setImmediate(() => {
        const { all, cutOff } = this.#servers;
        const isOnItsWay = message.to !== this.id && !cutOff.has(this.id) && !cutOff.has(message.to);
        if (isOnItsWay) all.get(message.to)?.engine.step(message);
      });
    }
  }

  apply(entries: readonly Entry[]): void {
    for (const { index, kind, data } of entries) {
      expect(index).toBe(this.#applied + 1);
      this.#applied = index;
      if (kind === 0 && data.length > 0) this.words.push(Buffer.from(data).toString());
    }
  }

  async snapshot(): Promise<void> {
    const data = Buffer.from(JSON.stringify(this.words));
    await this.log.createSnapshot({ index: this.#applied, conf: this.engine.conf(), data });
    await this.log.compact(this.#applied);
  }

  snapshotWanted(): void {
    void this.snapshot().catch(() => undefined);
  }

  keepPiece({ offset, data }: SnapshotPiece): void {
    if (offset === 0) this.#pieces = [];
    this.#pieces.push(data);
  }

  incomingData(): Uint8Array {
    return Buffer.concat(this.#pieces);
  }

  async installed(): Promise<void> {
    this.installs += 1;
    await this.#restore();
  }

  async #restore(): Promise<void> {
    const opened = await this.log.openSnapshot();
    if (opened === null) return;
    const chunks: Uint8Array[] = [];
    for await (const chunk of opened.data) chunks.push(chunk);
    this.words = JSON.parse(Buffer.concat(chunks).toString()) as string[];
    this.#applied = opened.meta.index;
  }

  handled(): void {
    // Nobody reads here.
  }

  failed(error: unknown): void {
    this.failure = error;
  }

  troubled(error: unknown): void {
    this.failure = error;
  }

  async stop(): Promise<void> {
    await this.engine.stop();
    await this.log.close();
    this.#servers.all.delete(this.id);
  }
}

/** Looks again and again; the test's own time limit is the only one. */
async function until(what: string, isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + 120_000;
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

async function founded(): Promise<Servers> {
  await buildEngine();
  const servers = new Servers(etcdEngine(compileEngine(ENGINE_PATH)));
  for (const id of ['a', 'b', 'c']) await servers.start(id, ['a', 'b', 'c']);
  return servers;
}

describe.skipIf(lack !== '')(`etcd-io/raft on logs that keep nothing in memory${lack}`, () => {
  test('replicates, and is found whole by a start anew, page by page', async () => {
    const servers = await founded();
    for (let at = 0; at < 50; at += 1) await servers.write(`${at} ${'x'.repeat(1000)}`);
    await servers.untilEqual(['a', 'b', 'c']);
    for (const server of [...servers.all.values()]) await server.stop();
    for (const id of ['a', 'b', 'c']) await servers.start(id, ['a', 'b', 'c']);
    await servers.write('last');
    await servers.untilEqual(['a', 'b', 'c']);
    expect(servers.leader?.words).toHaveLength(51);
  });

  test('a follower that was away is sent entries from the disk, or the snapshot that was promised', async () => {
    const servers = await founded();
    await servers.write('first');
    await servers.untilEqual(['a', 'b', 'c']);
    const lagging = [...servers.all.values()].find(({ engine }) => engine.status.role !== 'leader')!;
    servers.cutOff.add(lagging.id);
    for (let at = 0; at < 20; at += 1) await servers.write(`${at} away`);
    servers.cutOff.clear();
    await servers.untilEqual(['a', 'b', 'c']);
    expect(lagging.installs).toBe(0);
    servers.cutOff.add(lagging.id);
    for (let at = 0; at < 20; at += 1) await servers.write(`${at} away again`);
    await servers.leader?.snapshot();
    servers.cutOff.clear();
    await servers.write('back');
    await servers.untilEqual(['a', 'b', 'c']);
    expect(lagging.installs).toBe(1);
    expect([...servers.all.values()].map(({ failure }) => failure)).toEqual([null, null, null]);
  });

  test('a member is added and another goes, by one joint change', async () => {
    const servers = await founded();
    await servers.write('first');
    // From before it joins: etcd-io/raft would throw this snapshot away at the receiver.
    await servers.leader?.snapshot();
    await servers.write('second');
    await servers.start('d', []);
    const leaving = [...servers.all.values()].find(
      ({ id, engine }) => id !== 'd' && engine.status.role !== 'leader',
    )!;
    const voters = ['a', 'b', 'c', 'd'].filter((id) => id !== leaving.id);
    await until('the change', () => {
      const { leader } = servers;
      leader?.engine.change([
        { op: 'add-voter', id: 'd' },
        { op: 'remove', id: leaving.id },
      ]);
      return leader?.engine.status.configuration.voters.join() === voters.join();
    });
    await leaving.stop();
    await servers.write('third');
    await servers.untilEqual(voters);
    expect(servers.all.get('d')?.installs).toBe(1);
    expect(servers.all.get('d')?.engine.status.configuration).toEqual({ voters, learners: [] });
  });
});

test.skipIf(lack !== '')(`nodes on it lose nothing under every kind of disaster${lack}`, async () => {
  const temporary = scratchDirectory();
  const args = ['--kills', '8', '--deadline-s', '540'];
  const { code, stdout, stderr } = await runBuilt('examples/etcd-raft/main.js', args, { temporary });
  expect(`${stdout}\n${stderr}`).toContain('Every acknowledged write is on every node');
  expect(stdout).toContain('the history of reads and writes is linearizable');
  expect(stdout).toMatch(/snapshots installed +[1-9]/);
  expect(code).toBe(0);
});

test.skipIf(lack !== '')(`its Go passes gofmt and vet${lack}`, () => {
  const cwd = join(import.meta.dirname, '../../examples/etcd-raft');
  const env = { ...process.env, GOOS: 'wasip1', GOARCH: 'wasm' };
  expect(execFileSync('gofmt', ['-l', '.'], { cwd, encoding: 'utf8' })).toBe('');
  execFileSync('go', ['vet', '-unsafeptr=false', './...'], { cwd, env });
});
