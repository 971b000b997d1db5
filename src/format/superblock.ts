import { checksum } from './checksum.js';
import { IDENTITY_BYTES } from './identity.js';
import { getU64, isCount, putU64, viewOf } from './integers.js';
import { LIMITS } from './limits.js';
import { NOTHING_DURABLE, type DurableMark } from './position.js';
import { FORMAT_VERSION } from './segment-header.js';

/**
 * The superblock: what the store is and which segments are live. Two slots, each complete in itself, written
 * in turn and each synced before the other may be, so that one of them is whole at every moment.
 */

/** A slot's distance from the next: one page of any disk we know, so that one torn page spoils one slot. */
export const SUPERBLOCK_SLOT_BYTES = 4096;
export const SUPERBLOCK_BYTES: number = 2 * SUPERBLOCK_SLOT_BYTES;

/**
 * Whoever writes a slot changes something in these of its bytes: version, checksum, generation, what the store is, the
 * epoch. One read from those of the first slot on, to the end of those of the second, brings both.
 */
export const SLOT_STAMP_FROM = 8;
export const SLOT_STAMP_UNTIL = 80;

/** 'KEELSONS' */
const MAGIC = Uint8Array.of(0x4b, 0x45, 0x45, 0x4c, 0x53, 0x4f, 0x4e, 0x53);

/** Which layer's records the log holds. */
export type StoreKind = 'wal' | 'raft';
const KIND_BYTES: Readonly<Record<StoreKind, number>> = { wal: 0, raft: 1 };

/** Made here; the copy of another store, under a member id of its own; or that of a backup, under the member id of its source. */
export type StoreOrigin = 'made' | 'cloned' | 'restored';
const ORIGIN_BYTES: Readonly<Record<StoreOrigin, number>> = { made: 0, cloned: 1, restored: 2 };

const FLAG_LIVE = 1;
const FLAG_CLEAN_END = 2;
const FLAG_WAL_SEPARATE = 4;

export interface Superblock {
  /** Rises by one with each write of a slot; the higher one is the newer. */
  readonly generation: number;
  /** Random; what a clone inherits. Segments, end marks and snapshots of another lineage are not this store's. */
  readonly lineage: Uint8Array;
  /** Random; this store's own, which no clone has. */
  readonly storeId: Uint8Array;
  /** How this store came to be. */
  readonly origin: StoreOrigin;
  readonly storeKind: StoreKind;
  /** Rises by one with each open that may write (D11). */
  readonly epoch: number;
  /** Random, of the writer that stamped the epoch: two that stamped one epoch at one moment are told apart (D11). */
  readonly nonce: Uint8Array;
  /** Where an epoch begins: a frame at or above `fenceLsn` with an epoch below `fenceEpoch` is outside the run (D11). */
  readonly fenceEpoch: number;
  readonly fenceLsn: number;
  /** First and newest live segment. */
  readonly firstSegment: number;
  readonly newestSegment: number;
  /** Known durable when the slot was written (R1). */
  readonly proven: DurableMark;
  /** False until the store's files and names are synced: such a store has acknowledged nothing (R7). */
  readonly isLive: boolean;
  /** Set by close, cleared by the next open's stamp. */
  readonly isCleanEnd: boolean;
  /** The segments live outside the store's directory. */
  readonly isWalSeparate: boolean;
}

/** What a superblock says that nobody has written yet: what is known of the log is put over it. */
export const UNWRITTEN_SUPERBLOCK: Pick<
  Superblock,
  'generation' | 'storeId' | 'origin' | 'nonce' | 'proven' | 'isLive' | 'isCleanEnd'
> = Object.freeze({
  generation: 0,
  storeId: new Uint8Array(IDENTITY_BYTES),
  origin: 'made',
  nonce: new Uint8Array(IDENTITY_BYTES),
  proven: NOTHING_DURABLE,
  isLive: true,
  isCleanEnd: false,
});

export type SuperblockVerdict =
  | { readonly kind: 'valid'; readonly superblock: Superblock }
  | { readonly kind: 'other-version'; readonly version: number }
  | { readonly kind: 'invalid' };

/** One slot as bytes, {@link SUPERBLOCK_SLOT_BYTES} long. */
export function encodeSuperblock(superblock: Superblock): Uint8Array {
  const bytes = new Uint8Array(SUPERBLOCK_SLOT_BYTES);
  const view = viewOf(bytes);
  bytes.set(MAGIC, 0);
  view.setUint32(8, FORMAT_VERSION, true);
  putU64(view, 16, superblock.generation);
  bytes.set(superblock.lineage, 24);
  bytes.set(superblock.storeId, 40);
  bytes.set(superblock.nonce, 56);
  view.setUint32(72, superblock.epoch, true);
  view.setUint8(76, KIND_BYTES[superblock.storeKind]);
  view.setUint8(77, flagsOf(superblock));
  view.setUint8(78, ORIGIN_BYTES[superblock.origin]);
  view.setUint32(80, superblock.fenceEpoch, true);
  putU64(view, 88, superblock.fenceLsn);
  putU64(view, 96, superblock.firstSegment);
  putU64(view, 104, superblock.newestSegment);
  putU64(view, 112, superblock.proven.lsn);
  putU64(view, 120, superblock.proven.lastIndex);
  putU64(view, 128, superblock.proven.lastTerm);
  view.setUint32(12, slotChecksum(bytes), true);
  return bytes;
}

function flagsOf(superblock: Superblock): number {
  return (
    (superblock.isLive ? FLAG_LIVE : 0) |
    (superblock.isCleanEnd ? FLAG_CLEAN_END : 0) |
    (superblock.isWalSeparate ? FLAG_WAL_SEPARATE : 0)
  );
}

/** The whole slot counts, its padding too: a flipped bit anywhere in it is seen. */
function slotChecksum(bytes: Uint8Array): number {
  return checksum(bytes.subarray(16, SUPERBLOCK_SLOT_BYTES), checksum(bytes.subarray(0, 12)));
}

/** Judges one slot. The version is believed only under the checksum. */
export function decodeSuperblock(bytes: Uint8Array): SuperblockVerdict {
  const invalid = { kind: 'invalid' } as const;
  if (bytes.length < SUPERBLOCK_SLOT_BYTES) return invalid;
  const view = viewOf(bytes);
  const isWhole = view.getUint32(12, true) === slotChecksum(bytes);
  if (!isWhole || !MAGIC.every((byte, at) => bytes[at] === byte)) return invalid;
  const version = view.getUint32(8, true);
  if (version !== FORMAT_VERSION) return { kind: 'other-version', version };
  const storeKind = (['wal', 'raft'] as const)[view.getUint8(76)];
  const origin = (['made', 'cloned', 'restored'] as const)[view.getUint8(78)];
  if (storeKind === undefined || origin === undefined) return invalid;
  const flags = view.getUint8(77);
  const superblock: Superblock = {
    generation: getU64(view, 16),
    lineage: bytes.slice(24, 24 + IDENTITY_BYTES),
    storeId: bytes.slice(40, 40 + IDENTITY_BYTES),
    nonce: bytes.slice(56, 56 + IDENTITY_BYTES),
    storeKind,
    origin,
    epoch: view.getUint32(72, true),
    fenceEpoch: view.getUint32(80, true),
    fenceLsn: getU64(view, 88),
    firstSegment: getU64(view, 96),
    newestSegment: getU64(view, 104),
    proven: { lsn: getU64(view, 112), lastIndex: getU64(view, 120), lastTerm: getU64(view, 128) },
    isLive: (flags & FLAG_LIVE) !== 0,
    isCleanEnd: (flags & FLAG_CLEAN_END) !== 0,
    isWalSeparate: (flags & FLAG_WAL_SEPARATE) !== 0,
  };
  const { generation, fenceLsn, firstSegment, newestSegment, proven } = superblock;
  const marks = [proven.lsn, proven.lastIndex, proven.lastTerm];
  const counts = [generation, fenceLsn, firstSegment, newestSegment, ...marks];
  const isSane = counts.every(isCount) && Math.max(firstSegment, newestSegment) <= LIMITS.segmentNumberMax;
  return isSane ? { kind: 'valid', superblock } : invalid;
}
