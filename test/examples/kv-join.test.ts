/**
 * At stake: a member that is added from a backup must cost the leader only what came since, and vote as its own and nobody
 * else; a folder that was copied must not vote twice. Tried on nodes with real files and ports.
 */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { EXIT } from '../../examples/kv/exit.js';
import { freePorts } from '../../examples/demo/cluster/free-ports.js';
import { Random } from '../../sim/index.js';
import { Nodes, until } from './kv-nodes.js';

const VALUE = Buffer.alloc(2000, 'v');

async function fill(nodes: Nodes, from: number, until: number): Promise<void> {
  const client = nodes.client();
  for (let at = from; at < until; at += 1) await client.write(`k${at}`, VALUE);
}

test('members are added, from a backup and without, and the leader sends less with one', async () => {
  const nodes = await Nodes.make({ snapshotEveryEntries: 40, keepEntries: 20 });
  await nodes.found();
  await fill(nodes, 0, 60);
  const [source = ''] = nodes.names;
  const byBackup = await nodes.join('n4', join(nodes.folder(source), 'log'));
  const byLeader = await nodes.join('n5', null);
  const sentBytes = (name: string): number => nodes.told.get(name)?.admissions[0]?.sentBytes ?? NaN;
  expect(nodes.told.get('n4')?.admissions[0]?.broughtBytes).toBeGreaterThan(20 * VALUE.length);
  expect(sentBytes('n5')).toBeGreaterThan(50 * VALUE.length);
  expect(sentBytes('n4')).toBeLessThan(sentBytes('n5') / 2);
  // Of five any two may be away, those that joined and the first ones.
  await nodes.stop(source);
  const second = await nodes.leader();
  await nodes.stop(second);
  await nodes.client().write('later', VALUE);
  const leader = await nodes.leader();
  const joined = new Map([
    ['n4', byBackup],
    ['n5', byLeader],
  ]);
  joined.delete(second);
  const { stateHash } = await nodes.client().status(nodes.addresses[leader] ?? joined.get(leader) ?? '');
  for (const address of joined.values())
    await until(
      'who joined to have applied it',
      async () => (await nodes.client().status(address)).stateHash === stateHash,
    );
});

test('a copy of a folder that runs beside its original is found out, and the first of them refused by name', async () => {
  const nodes = await Nodes.make();
  await nodes.found();
  await fill(nodes, 0, 3);
  const [name = ''] = nodes.names;
  const copy = `${nodes.folder(name)}-copy`;
  await nodes.stop(name);
  cpSync(nodes.folder(name), copy, { recursive: true });
  await nodes.start(name, false);
  const file = join(copy, 'member.json');
  const [port] = await freePorts(1, new Random(Date.now()));
  const { addresses, ...member } = JSON.parse(readFileSync(file, 'utf8')) as {
    addresses: Record<string, string>;
  };
  writeFileSync(
    file,
    JSON.stringify({ ...member, addresses: { ...addresses, [name]: `127.0.0.1:${port}` } }),
  );
  const starting = nodes.startCopy(name, copy).catch(() => undefined);
  await until('one of them to be refused', () => {
    const told = [name, `${name}'`].flatMap((one) => nodes.told.get(one)?.failures ?? []);
    return told.some(
      ({ exitCode, message }) =>
        exitCode === EXIT.refused &&
        message.includes(`another process has spoken since as member '${name}'`) &&
        message.includes('the folder was copied'),
    );
  });
  await starting;
});

test('a log alone that was copied into the folder of another member is found out, there and by the others', async () => {
  const nodes = await Nodes.make();
  await nodes.found();
  await fill(nodes, 0, 3);
  const source = await nodes.leader();
  const [name = '', other = ''] = nodes.names.filter((one) => one !== source);
  const file = join(nodes.folder(name), 'member.json');
  const member = (): { logs: Record<string, string> } =>
    JSON.parse(readFileSync(file, 'utf8')) as { logs: Record<string, string> };
  await until('it to know the log of the leader', () => member().logs[source] !== undefined);
  await nodes.stop(source);
  await nodes.stop(name);
  const own = join(nodes.folder(name), 'log');
  rmSync(own, { recursive: true });
  cpSync(join(nodes.folder(source), 'log'), own, { recursive: true });
  const refusal = `member '${name}' comes with the log of member '${source}'`;
  const refused = expect.stringContaining(refusal) as string;
  await expect(nodes.start(name, false)).rejects.toMatchObject({ exitCode: EXIT.folder, message: refused });
  // Also where it has forgotten whose log is whose.
  writeFileSync(file, JSON.stringify({ ...member(), logs: {} }));
  await nodes.start(source, false);
  await nodes.start(name, false);
  await until('it to be refused by another', () =>
    [source, other].some((one) => nodes.told.get(one)?.strangers.some((told) => told.includes(refusal))),
  );
});

test('a node that joins from what is no log ends by that, and with its folder as it was', async () => {
  const nodes = await Nodes.make();
  await nodes.found();
  const refused = nodes.join('n4', nodes.folder('n1'));
  await expect(refused).rejects.toMatchObject({
    exitCode: EXIT.folder,
    message: expect.stringContaining('KEELSON_NOT_A_LOG') as string,
  });
});
