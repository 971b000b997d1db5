/**
 * A server that crashes again and again leaves a copy of each torn tail. The last eight are kept (R4): the newest is the one
 * that somebody will ask for, and whatever else lies in quarantine is nobody's to drop.
 */
import { expect, test } from 'vitest';
import { quarantineTail } from '../../src/wal/store/quarantine.js';
import { newDisk } from './scratch-wal.js';
import { DIR } from './wal-life.js';

test('of many copies of torn tails the last eight are kept, and all else', async () => {
  const disk = newDisk(1, { calls: 'inline' });
  disk.makeDirectory(DIR);
  const { disk: port } = disk.environment;
  const bytes = (epoch: number): Uint8Array => new Uint8Array(40 - epoch).fill(epoch);
  const others = [`${DIR}/quarantine/tail-notes.txt`, `${DIR}/quarantine/0000000000000001.wal`];
  for (let epoch = 1; epoch <= 12; epoch += 1) {
    const copy = { dir: DIR, epoch, segment: 3, offset: 512, bytes: bytes(epoch), reason: 'torn' };
    const paths = await quarantineTail(port, copy);
    expect(paths).toHaveLength(2);
    expect(disk.list()).toEqual(expect.arrayContaining([...paths]));
    if (epoch === 1) for (const other of others) disk.writeFile(other, bytes(0));
  }
  disk.crash('power');
  const kept = disk.list().filter((path) => path.endsWith('.bin'));
  expect(kept.map((path) => disk.readVolatile(path))).toEqual(
    Array.from({ length: 8 }, (_, at) => bytes(5 + at)),
  );
  expect(disk.list()).toEqual(expect.arrayContaining(others));
});

test('a copy that is made again, of a tail cut shorter, holds those bytes and no others', async () => {
  const disk = newDisk(1, { calls: 'inline' });
  disk.makeDirectory(DIR);
  const copy = { dir: DIR, epoch: 2, segment: 3, offset: 512, reason: 'torn' };
  const { disk: port } = disk.environment;
  await quarantineTail(port, { ...copy, bytes: new Uint8Array(200).fill(1) });
  const [path = ''] = await quarantineTail(port, { ...copy, bytes: new Uint8Array(50).fill(2) });
  expect(disk.readVolatile(path)).toEqual(new Uint8Array(50).fill(2));
});
