import { join } from 'node:path';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { readFailed } from '../../src/disk/disk-failure.js';
import type { Disk } from '../../src/disk/port.js';
import { readFully } from '../../src/disk/read-fully.js';
import { KeelsonError } from '../../src/errors/index.js';
import { checksum } from '../../src/format/checksum.js';
import { segmentName } from '../../src/format/names.js';
import { SUPERBLOCK_SLOT_BYTES } from '../../src/format/superblock.js';
import type { Entry, HardState } from '../../src/raft-log/contract.js';
import type { OlderFormat, OlderLog, OlderPlace } from '../../src/raft-log/switch/older-format.js';

/**
 * A format before the first, for the tests of the way from an older one: blocks of JSON behind a magic of their own
 * and a checksum. There is no version in it: it is version 0 by its magic alone.
 */
const MAGIC = { superblock: 'KSLZEROS', segment: 'KSLZEROW', snapshot: 'KSLZEROP' } as const;

/** What the superblock of a store of version 0 says. */
export interface ZeroState {
  readonly generation: number;
  readonly epoch: number;
  readonly first: number;
  readonly newest: number;
  readonly lastLsn: number;
  readonly hardState: HardState;
  readonly boundary: { readonly index: number; readonly term: number };
  readonly snapshot: { readonly index: number; readonly term: number } | null;
  readonly unfitUntil: number;
  readonly isCleanEnd: boolean;
}

interface ZeroEntry {
  readonly index: number;
  readonly term: number;
  readonly kind: number;
  readonly data: string;
}

interface ZeroSnapshot {
  readonly conf: string;
  readonly data: string;
}

function encodeBlock(magic: string, value: unknown): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(value));
  const bytes = new Uint8Array(16 + text.length);
  bytes.set(new TextEncoder().encode(magic));
  new DataView(bytes.buffer).setUint32(8, text.length, true);
  new DataView(bytes.buffer).setUint32(12, checksum(text), true);
  bytes.set(text, 16);
  return bytes;
}

function decodeBlock(magic: string, bytes: Uint8Array): unknown {
  if (bytes.length < 16 || new TextDecoder('latin1').decode(bytes.subarray(0, 8)) !== magic) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = bytes.subarray(16, 16 + view.getUint32(8, true));
  return checksum(text) === view.getUint32(12, true)
    ? (JSON.parse(new TextDecoder().decode(text)) as unknown)
    : null;
}

function slotsOf(superblock: Uint8Array): readonly (ZeroState | null)[] {
  return [0, 1].map((slot) => {
    const from = slot * SUPERBLOCK_SLOT_BYTES;
    return decodeBlock(
      MAGIC.superblock,
      superblock.subarray(from, from + SUPERBLOCK_SLOT_BYTES),
    ) as ZeroState | null;
  });
}

function newestOf(superblock: Uint8Array): { readonly state: ZeroState; readonly freeSlot: 0 | 1 } | null {
  const [a = null, b = null] = slotsOf(superblock);
  if (a === null && b === null) return null;
  const isFirst = b === null || (a !== null && a.generation >= b.generation);
  return { state: (isFirst ? a : b) as ZeroState, freeSlot: isFirst ? 1 : 0 };
}

function slotBytes(state: ZeroState): Uint8Array {
  const bytes = new Uint8Array(SUPERBLOCK_SLOT_BYTES);
  bytes.set(encodeBlock(MAGIC.superblock, state));
  return bytes;
}

const digits = (value: number): string => String(value).padStart(16, '0');

async function readFile(disk: Disk, path: string): Promise<Uint8Array> {
  try {
    if ((await disk.stat(path)) !== null) return await readWhole(disk, path);
  } catch (error) {
    throw readFailed('a file of version 0', { path }, error);
  }
  throw new KeelsonError('KEELSON_MISSING_SEGMENT', `${path} is not there`, { path });
}

async function readWhole(disk: Disk, path: string): Promise<Uint8Array> {
  const file = await disk.open(path, { access: 'read' });
  try {
    const bytes = new Uint8Array((await file.stat()).size);
    return bytes.subarray(0, await readFully(file, bytes, 0));
  } finally {
    await file.close();
  }
}

async function readSegment({ environment, walDir }: OlderPlace, number: number): Promise<readonly Entry[]> {
  const path = join(walDir, segmentName(number));
  const entries = decodeBlock(MAGIC.segment, await readFile(environment.disk, path)) as
    | readonly ZeroEntry[]
    | null;
  if (entries === null) throw new KeelsonError('KEELSON_CORRUPT', `${path} is damaged`, { path, offset: 0 });
  return entries.map((entry) => ({ ...entry, data: Uint8Array.from(Buffer.from(entry.data, 'hex')) }));
}

async function readSnapshot(
  { environment, dir }: OlderPlace,
  { index, term }: { readonly index: number; readonly term: number },
): Promise<OlderLog['snapshot']> {
  const path = join(dir, 'snapshots', `${digits(index)}-${digits(term)}.snap`);
  const snapshot = decodeBlock(MAGIC.snapshot, await readFile(environment.disk, path)) as ZeroSnapshot | null;
  if (snapshot === null) throw new KeelsonError('KEELSON_CORRUPT', `${path} is damaged`, { path, offset: 0 });
  async function* data(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Uint8Array.from(Buffer.from((snapshot as ZeroSnapshot).data, 'hex')));
  }
  return { index, term, conf: Uint8Array.from(Buffer.from(snapshot.conf, 'hex')), data: data() };
}

/** The format, and the step from it. */
export const VERSION_ZERO: OlderFormat = {
  version: 0,
  recognise: (superblock) => {
    const newest = newestOf(superblock);
    if (newest === null) return null;
    const { epoch, generation } = newest.state;
    return { epoch, generation, freeSlot: newest.freeSlot };
  },
  stamped: (superblock, epoch) => {
    const { state } = newestOf(superblock) as { state: ZeroState };
    return slotBytes({ ...state, epoch, generation: state.generation + 1 });
  },
  read: async (place) => {
    const { state } = newestOf(place.superblock) as { state: ZeroState };
    const { first, newest, lastLsn, hardState, boundary, unfitUntil } = state;
    const pieces: (readonly Entry[])[] = [];
    for (let number = first; number <= newest; number += 1) pieces.push(await readSegment(place, number));
    async function* entries(): AsyncGenerator<readonly Entry[]> {
      for (const piece of pieces) yield await Promise.resolve(piece);
    }
    return {
      seen: { lsn: lastLsn, segment: newest },
      lineage: null,
      hardState,
      boundary,
      lastIndex: pieces.flat().at(-1)?.index ?? boundary.index,
      unfitUntil,
      stable: new Map(),
      snapshot: state.snapshot === null ? null : await readSnapshot(place, state.snapshot),
      entries,
    };
  },
  ruins: ({ superblock }) => {
    const { state } = newestOf(superblock) as { state: ZeroState };
    const { newest, lastLsn, boundary, isCleanEnd } = state;
    // A clean end bounds what was acknowledged: a record a LSN, at most.
    const acknowledgedUntil = isCleanEnd ? boundary.index + lastLsn : Infinity;
    return Promise.resolve({ seen: { lsn: lastLsn, segment: newest }, acknowledgedUntil });
  },
};

export interface ZeroStore {
  readonly entries: readonly Entry[];
  readonly perSegment: number;
  readonly snapshotData: Uint8Array | null;
  readonly state: ZeroState;
}

/** Puts a store of version 0 on a disk, durably. */
export function writeZeroStore(disk: SimulatedDisk, dir: string, store: ZeroStore): void {
  const { entries, perSegment, state, snapshotData } = store;
  for (const folder of [dir, join(dir, 'wal'), join(dir, 'snapshots')]) disk.makeDirectory(folder);
  const superblock = new Uint8Array(2 * SUPERBLOCK_SLOT_BYTES);
  superblock.set(slotBytes({ ...state, generation: state.generation - 1 }), 0);
  superblock.set(slotBytes(state), SUPERBLOCK_SLOT_BYTES);
  disk.writeFile(join(dir, 'superblock'), superblock);
  for (let number = state.first; number <= state.newest; number += 1) {
    const from = (number - state.first) * perSegment;
    const until = number === state.newest ? entries.length : from + perSegment;
    const held = entries.slice(from, until).map((entry) => ({
      ...entry,
      kind: entry.kind ?? 0,
      data: Buffer.from(entry.data).toString('hex'),
    }));
    disk.writeFile(join(dir, 'wal', segmentName(number)), encodeBlock(MAGIC.segment, held));
  }
  if (state.snapshot === null || snapshotData === null) return;
  const path = join(dir, 'snapshots', `${digits(state.snapshot.index)}-${digits(state.snapshot.term)}.snap`);
  const snapshot = { conf: '0102', data: Buffer.from(snapshotData).toString('hex') };
  disk.writeFile(path, encodeBlock(MAGIC.snapshot, snapshot));
}
