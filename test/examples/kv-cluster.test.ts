/**
 * At stake: what a client was told must hold whoever leads, and a node that is not who it was must not take part. Tried
 * on three nodes with real files and ports: redirect, retry, change of leader, snapshot, strangers, lost folders.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { EXIT } from '../../examples/kv/exit.js';
import type { WriteRequest, WriteResponse } from '../../examples/kv/generated/keelson/examples/kv/v1/kv.js';
import { KvNode } from '../../examples/kv/kv-node.js';
import { clientMetadata } from '../../examples/kv/net/call-metadata.js';
import { KeelsonError, openRaftLog } from '../../src/index.js';
import { fillable } from './fillable.js';
import { CLUSTER_ID, Nodes, takePort, until } from './kv-nodes.js';

function ask(nodes: Nodes, name: string, request: WriteRequest): Promise<WriteResponse> {
  const node = nodes.connections.to(nodes.addresses[name] ?? '');
  return new Promise((resolve, reject) => {
    node.write(request, clientMetadata(CLUSTER_ID), (error, response) => {
      if (error === null) resolve(response);
      else reject(error);
    });
  });
}

const request = { clientId: 'c', sequence: 1, key: 'k', value: Buffer.from('v') };

describe('clients', () => {
  test('are sent to the leader, and a retry is answered but not applied again', async () => {
    const nodes = await Nodes.make();
    await nodes.found();
    const leader = await nodes.leader();
    const follower = nodes.names.find((name) => name !== leader) ?? '';
    await until('the follower to know its leader', async () => {
      const { outcome } = await ask(nodes, follower, request);
      return outcome?.$case === 'notLeader' && outcome.value.leaderAddress === nodes.addresses[leader];
    });
    const first = await ask(nodes, leader, request);
    expect(first.outcome?.$case).toBe('written');
    await nodes.client([follower]).write('k', Buffer.from('later'));
    expect(await ask(nodes, leader, request)).toEqual(first);
    const found = await nodes.client().read('k');
    expect(Buffer.from(found?.value ?? []).toString()).toBe('later');
    const old = await ask(nodes, leader, { ...request, clientId: 'unheard of', sequence: 9 });
    expect(old.outcome).toMatchObject({ $case: 'refused' });
  });

  test('read what was written last, at any node, also when its leader is gone', async () => {
    const nodes = await Nodes.make();
    await nodes.found();
    const client = nodes.client();
    for (let count = 1; count <= 5; count += 1) {
      const leader = await nodes.leader();
      await nodes.stop(leader);
      const revision = await client.write('k', Buffer.from(`${count}`));
      for (const name of nodes.names.filter((other) => other !== leader)) {
        const found = await nodes.client([name]).read('k');
        expect(Buffer.from(found?.value ?? []).toString()).toBe(`${count}`);
        expect(found?.revision).toBe(revision);
      }
      await nodes.start(leader, false);
    }
    await client.write('k', null);
    expect(await client.read('k')).toBeNull();
  });

  test('of another cluster, or with nonsense, are told so', async () => {
    const nodes = await Nodes.make();
    await nodes.found();
    const leader = await nodes.leader();
    await expect(nodes.client(nodes.names, 'other').read('k')).rejects.toThrow(
      /of cluster 'test'.*means 'other'/,
    );
    await expect(nodes.client().write('', Buffer.from('v'))).rejects.toThrow(/a key has 1\.\.1024 bytes/);
    await expect(ask(nodes, leader, { ...request, sequence: 0 })).rejects.toThrow(/sequence from 1/);
    const large = Buffer.alloc(1024 * 1024 + 1);
    await expect(nodes.client().write('k', large)).rejects.toThrow(/at most 1048576 bytes/);
  });
});

test('a node that was away too long gets a snapshot, in pieces, and comes to the same state', async () => {
  const nodes = await Nodes.make({ snapshotEveryEntries: 50, keepEntries: 5, recentBytes: 1024 });
  await nodes.found();
  const leader = await nodes.leader();
  const away = nodes.names.find((name) => name !== leader) ?? '';
  await nodes.stop(away);
  const client = nodes.client();
  // More than a few of the Raft's pieces of 256 KiB.
  for (let count = 1; count <= 60; count += 1) await client.write(`k${count}`, Buffer.alloc(20_000, count));
  await nodes.start(away, false);
  await client.write('end', Buffer.from('x'));
  await until('three equal states', async () => {
    const states = await Promise.all(
      nodes.names.map((name) => client.status(nodes.addresses[name] ?? '').catch(() => null)),
    );
    return (
      !states.includes(null) &&
      new Set(states.map((state) => `${state?.applied ?? 0} ${state?.stateHash ?? ''}`)).size === 1
    );
  });
  expect(nodes.told.get(away)?.installs).toBeGreaterThan(0);
  expect([...(await client.scan(nodes.addresses[away] ?? ''))]).toHaveLength(61);
});

describe('a node whose folder is lost', () => {
  test('does not start, with or without its log', async () => {
    const nodes = await Nodes.make();
    await nodes.found();
    await nodes.stop('n2');
    rmSync(join(nodes.folder('n2'), 'log'), { recursive: true });
    await expect(nodes.start('n2', false)).rejects.toMatchObject({
      exitCode: EXIT.folder,
      message: expect.stringContaining('KEELSON_NOT_A_LOG'),
    });
    rmSync(nodes.folder('n2'), { recursive: true });
    await expect(nodes.start('n2', false)).rejects.toMatchObject({
      exitCode: EXIT.folder,
      message: expect.stringContaining('must not come back under its name'),
    });
  });

  test('made anew under its name is refused by all others, each by itself, and they go on', async () => {
    const nodes = await Nodes.make();
    await nodes.found();
    await nodes.client().write('k', Buffer.from('v'));
    await nodes.stop('n3');
    rmSync(nodes.folder('n3'), { recursive: true });
    await expect(nodes.start('n3', true)).rejects.toMatchObject({
      exitCode: EXIT.refused,
      message: expect.stringContaining('its folder was lost or made anew'),
    });
    expect([
      ...(nodes.told.get('n1')?.strangers ?? []),
      ...(nodes.told.get('n2')?.strangers ?? []),
    ]).not.toEqual([]);
    await nodes.client(['n1', 'n2']).write('k', Buffer.from('w'));
    // Even with the one that remembers most down, no other takes the stranger in.
    await nodes.stop('n3');
    await nodes.stop('n1');
    await expect(nodes.start('n3', false)).rejects.toMatchObject({ exitCode: EXIT.refused });
  });
});

describe('a node', () => {
  test('of another cluster is refused', async () => {
    const nodes = await Nodes.make();
    for (const name of ['n1', 'n2']) void nodes.start(name, true).catch(() => undefined);
    const options = nodes.options('n3', true);
    const founding = { clusterId: 'other', memberId: 'n3', addresses: nodes.addresses };
    const quiet = (): void => undefined;
    const stranger = new KvNode(
      { ...options, founding },
      {
        waiting: quiet,
        admitted: quiet,
        opened: quiet,
        turned: quiet,
        sending: quiet,
        strange: quiet,
        refused: quiet,
        troubled: quiet,
        failed: quiet,
      },
    );
    const starting = stranger.start();
    await expect(starting).rejects.toMatchObject({
      exitCode: EXIT.refused,
      message: expect.stringContaining("of cluster 'test', the caller of 'other'"),
    });
    await stranger.stop();
  });

  test('whose port is taken says so', async () => {
    const nodes = await Nodes.make();
    await takePort(nodes.addresses['n1'] ?? '');
    await expect(nodes.start('n1', true)).rejects.toMatchObject({
      exitCode: EXIT.environment,
      message: expect.stringMatching(/cannot listen on 127\.0\.0\.1:\d+.*another process/),
    });
  });

  test('never takes a folder with anything in it for its own, nor makes one twice', async () => {
    const nodes = await Nodes.make();
    mkdirSync(nodes.folder('n1'));
    writeFileSync(join(nodes.folder('n1'), 'thesis.txt'), 'years of work');
    await expect(nodes.start('n1', true)).rejects.toMatchObject({
      exitCode: EXIT.folder,
      message: expect.stringMatching(/KEELSON_NOT_A_LOG.*thesis\.txt/),
    });
    rmSync(join(nodes.folder('n1'), 'thesis.txt'));
    void nodes.start('n1', true).catch(() => undefined);
    await nodes.stop('n1');
    await expect(nodes.start('n1', true)).rejects.toMatchObject({
      message: expect.stringContaining('already holds a node'),
    });
  });

  test('whose disk is full steps down, says why, and comes back by itself when there is room', async () => {
    const nodes = await Nodes.make({ segmentBytes: 16_384 });
    const room = new Map(nodes.names.map((name) => [name, { isFull: false }]));
    await Promise.all(nodes.names.map((name) => nodes.start(name, true, fillable(room.get(name)!))));
    const leader = await nodes.leader();
    const status = () => nodes.client().status(nodes.addresses[leader] ?? '');
    room.get(leader)!.isFull = true;
    let revision = 0;
    // Larger than what the segments at hand take: no client notices more than a change of leader.
    for (let count = 0; count < 20; count += 1)
      revision = await nodes.client().write('k', Buffer.alloc(4000, count));
    expect(nodes.told.get(leader)?.troubles).toContainEqual(
      expect.objectContaining({ code: 'KEELSON_NO_SPACE' }),
    );
    const { role, storageState } = await status();
    expect(storageState).toBe('full');
    expect(role).not.toBe('leader');
    expect(nodes.told.get(leader)?.failures).toEqual([]);
    room.get(leader)!.isFull = false;
    await until('the node to take entries again', async () => (await status()).storageState === 'open');
    expect((await nodes.client([leader]).read('k'))?.revision).toBe(revision);
  });

  test('whose log fails acknowledges nothing more, says why, and the others go on', async () => {
    const nodes = await Nodes.make();
    let isBroken = false;
    const breaking: typeof openRaftLog = async (options) => {
      const log = await openRaftLog(options);
      const failure = new KeelsonError('KEELSON_SYNC_FAILED', 'the disk said EIO.');
      const save: typeof log.save = (save) => (isBroken ? Promise.reject(failure) : log.save(save));
      return new Proxy(log, {
        get: (target, name) => {
          const found: unknown = name === 'save' ? save : Reflect.get(target, name);
          return typeof found === 'function' ? (found as () => unknown).bind(target) : found;
        },
      });
    };
    await Promise.all(
      nodes.names.map((name) => nodes.start(name, true, name === 'n1' ? breaking : undefined)),
    );
    await nodes.client().write('k', Buffer.from('v'));
    isBroken = true;
    const revision = await nodes.client().write('k', Buffer.from('w'));
    await until('the node to fail', () => nodes.told.get('n1')?.failures.length === 1);
    expect(nodes.told.get('n1')?.failures[0]).toMatchObject({
      exitCode: EXIT.environment,
      message: expect.stringContaining('KEELSON_SYNC_FAILED'),
    });
    await nodes.stop('n1');
    isBroken = false;
    await nodes.start('n1', false);
    expect((await nodes.client(['n1']).read('k'))?.revision).toBe(revision);
  });
});
