/**
 * At stake: a cut is made from the journal alone; a byte at the wrong place and it is no image of that disk. Tried by
 * writing a journal, reading it back, and cutting it short in its last record, as a killed recorder leaves it.
 */
import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PublishedCount } from '../../lab/powercut/disk/counter.js';
import { FaultOrders, orderFaults } from '../../lab/powercut/disk/faults.js';
import { Journal, JournalWriter, type WriteRecord } from '../../lab/powercut/disk/journal.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keelson-lab-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function writeJournal(): string {
  const path = join(folder, 'journal');
  const writer = new JournalWriter(path);
  writer.write(2 ** 33, Buffer.from('first'));
  writer.flush(4096, 8192);
  writer.write(512, Buffer.from('the second'));
  writer.close();
  return path;
}

function tell(path: string): unknown[] {
  const journal = new Journal(path);
  const told = journal.records.map((record) =>
    record.kind === 'flush'
      ? ['flush', record.from, record.until]
      : [record.position, journal.bytes(record).toString()],
  );
  journal.close();
  return told;
}

test('what was recorded is read back, in order, with its bytes', () => {
  expect(tell(writeJournal())).toEqual([
    [2 ** 33, 'first'],
    ['flush', 4096, 8192],
    [512, 'the second'],
  ]);
});

test('a record that was cut short is none', () => {
  const path = writeJournal();
  truncateSync(path, statSync(path).size - 1);
  expect(tell(path)).toEqual([
    [2 ** 33, 'first'],
    ['flush', 4096, 8192],
  ]);
});

test('a record says where its bytes are', () => {
  const journal = new Journal(writeJournal());
  const last = journal.records.at(-1) as WriteRecord;
  expect([last.length, last.dataAt]).toEqual([10, 24 + 5 + 24 + 24]);
  journal.close();
});

test('the count that one process publishes another reads', () => {
  const path = join(folder, 'count');
  const writer = new PublishedCount(path, 'write');
  const reader = new PublishedCount(path, 'read');
  expect(reader.read()).toBe(0);
  writer.publish(2 ** 40);
  expect(reader.read()).toBe(2 ** 40);
  writer.close();
  reader.close();
});

test('a disk fails as ordered, until the moment has come', () => {
  const path = join(folder, 'faults');
  const orders = new FaultOrders(path);
  expect([orders.fails('writes'), orders.fails('flushes')]).toEqual([false, false]);
  orderFaults(path, 'writes', Infinity);
  expect([orders.fails('writes'), orders.fails('flushes')]).toEqual([true, false]);
  orderFaults(path, 'both', Infinity);
  expect([orders.fails('writes'), orders.fails('flushes')]).toEqual([true, true]);
  orderFaults(path, 'both', 1);
  expect(orders.fails('writes')).toBe(false);
  orders.close();
});
