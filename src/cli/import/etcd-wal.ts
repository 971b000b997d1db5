import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readFailed } from '../../disk/disk-failure.js';
import type { Entry, HardState } from '../../raft-log/contract.js';
import { foreignDamage, noForeignLog, type FoundForeign } from './foreign.js';
import { bytesField, castagnoli, fieldsOf, numberField } from './protobuf.js';

/** `0000000000000001-00000000000000a3.wal`: sequence, and the index that its entries begin behind. */
const NAME = /^([0-9a-f]{16})-([0-9a-f]{16})\.wal$/;

const RECORD = { metadata: 1, entry: 2, state: 3, crc: 4, snapshot: 5 } as const;

/** Longest record that is believed; etcd itself refuses requests far below that. */
const RECORD_BYTES_MAX = 256 * 1024 * 1024;

interface EtcdSnapshot {
  readonly index: number;
  readonly term: number;
}

/** One pass over the segments: what stands in them, in order. */
type EtcdRecord =
  | { readonly kind: 'entry'; readonly entry: Entry }
  | { readonly kind: 'state'; readonly hardState: HardState }
  | { readonly kind: 'snapshot'; readonly snapshot: EtcdSnapshot };

/**
 * The write-ahead log of etcd (a directory of `.wal` files, etcd 3.x): records of protobuf behind a length, under one
 * CRC-32C that runs through all of them. Read only. Votes are etcd's member ids in hex; an entry's kind is etcd's type.
 */
export async function readEtcdWal(dir: string): Promise<FoundForeign> {
  const files = await filesOf(dir);
  let state: HardState = { term: 0, vote: null, commit: 0 };
  const snapshots: EtcdSnapshot[] = [];
  let firstIndex = 0;
  for await (const record of recordsOf(dir, files)) {
    if (record.kind === 'state') state = record.hardState;
    if (record.kind === 'snapshot') snapshots.push(record.snapshot);
    if (record.kind === 'entry' && firstIndex === 0) firstIndex = record.entry.index;
  }
  // As etcd does: a marker above commit was written by a save that did not end.
  const newest = snapshots.filter(({ index }) => index <= state.commit).sort((a, b) => b.index - a.index)[0];
  const snapshot = newest === undefined || newest.index === 0 ? null : newest;
  // Nothing says of which term the entry in front of the first one was, but for a snapshot there.
  const boundary = firstIndex <= 1 ? { index: 0, term: 0 } : (snapshot ?? { index: firstIndex - 1, term: 0 });
  return {
    boundary,
    entries: async function* () {
      for await (const record of recordsOf(dir, files))
        if (record.kind === 'entry' && record.entry.index > boundary.index) yield record.entry;
    },
    end: () => ({ hardState: state, unfitUntil: 0, stable: {} }),
    snapshot: () => snapshot,
    left: () => [],
  };
}

async function filesOf(dir: string): Promise<readonly string[]> {
  let names: readonly string[];
  try {
    names = await readdir(dir);
  } catch (error) {
    throw readFailed('a directory', { path: dir }, error);
  }
  const files = names.filter((name) => NAME.test(name)).sort();
  if (files.length === 0)
    throw noForeignLog(dir, 'it holds no segment of an etcd WAL (0000000000000000-0000000000000000.wal)');
  files.forEach((name, at) => {
    const expected = parseInt(files[0]?.slice(0, 16) ?? '', 16) + at;
    if (parseInt(name.slice(0, 16), 16) !== expected)
      throw noForeignLog(dir, `the segment in front of ${name} is missing`);
  });
  return files;
}

async function* recordsOf(
  dir: string,
  files: readonly string[],
): AsyncGenerator<EtcdRecord, void, undefined> {
  const chain = { crc: 0 };
  for (const [at, name] of files.entries()) {
    const path = join(dir, name);
    for await (const record of recordsIn(path, at === files.length - 1, chain)) yield record;
  }
}

async function* recordsIn(
  path: string,
  isLast: boolean,
  chain: { crc: number },
): AsyncGenerator<EtcdRecord, void, undefined> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const head = new Uint8Array(8);
    for (let at = 0; at + 8 <= size;) {
      await file.read(head, 0, 8, at);
      const view = new DataView(head.buffer);
      const low = view.getUint32(0, true) + (view.getUint32(4, true) & 0x00ff_ffff) * 2 ** 32;
      // The sign says that padding is told, in the low bits of the top byte.
      const top = view.getUint8(7);
      if (low === 0 && top === 0) return;
      const pad = (top & 0x80) !== 0 ? top & 7 : 0;
      if (low + pad > size - at - 8 || low > RECORD_BYTES_MAX) {
        if (isLast) return;
        throw foreignDamage(path, at, `a record of ${low} bytes is told, and the file ends before it does`);
      }
      const bytes = new Uint8Array(low);
      await file.read(bytes, 0, low, at + 8);
      const record = judged(path, at, bytes, chain);
      // A tail that was torn as it was written: etcd cuts it too.
      if (record === 'torn' && isLast && isZeroBehind(bytes)) return;
      if (record === 'torn') throw foreignDamage(path, at, 'the CRC-32C of its records is not what it says');
      if (record !== null) yield record;
      at += 8 + low + pad;
    }
  } finally {
    await file.close();
  }
}

/** A sector of zeros inside a record: it was never wholly written. */
function isZeroBehind(bytes: Uint8Array): boolean {
  const SECTOR = 512;
  for (let at = 0; at < bytes.length; at += SECTOR)
    if (bytes.subarray(at, at + SECTOR).every((byte) => byte === 0)) return true;
  return false;
}

function judged(
  path: string,
  at: number,
  bytes: Uint8Array,
  chain: { crc: number },
): EtcdRecord | null | 'torn' {
  const fields = fieldsOf(bytes);
  if (fields === null) return 'torn';
  const type = numberField(fields, 1);
  const crc = numberField(fields, 2);
  const data = bytesField(fields, 3);
  if (type === RECORD.crc) {
    // Each segment begins with the sum of all before it.
    if (chain.crc !== 0 && chain.crc !== crc)
      throw foreignDamage(path, at, 'it does not join the segment before it');
    chain.crc = crc;
    return null;
  }
  chain.crc = castagnoli(data, chain.crc);
  if (chain.crc !== crc) return 'torn';
  const inner = fieldsOf(data);
  switch (type) {
    case RECORD.entry: {
      if (inner === null) throw foreignDamage(path, at, 'an entry in it cannot be read');
      const [kind, term, index] = [numberField(inner, 1), numberField(inner, 2), numberField(inner, 3)];
      return { kind: 'entry', entry: { index, term, kind, data: bytesField(inner, 4) } };
    }
    case RECORD.state: {
      if (inner === null) throw foreignDamage(path, at, 'a hard state in it cannot be read');
      const vote = inner.find(({ number }) => number === 2)?.text ?? '0';
      const hardState = {
        term: numberField(inner, 1),
        vote: vote === '0' ? null : vote,
        commit: numberField(inner, 3),
      };
      return { kind: 'state', hardState };
    }
    case RECORD.snapshot: {
      if (inner === null) throw foreignDamage(path, at, 'a snapshot marker in it cannot be read');
      return { kind: 'snapshot', snapshot: { index: numberField(inner, 1), term: numberField(inner, 2) } };
    }
    default:
      return null;
  }
}
