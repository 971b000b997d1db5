import { LIMITS } from './limits.js';

/** Names of the files of a store. Digits are decimal, sixteen of them: as many as 2^53-1 has. */

export const SUPERBLOCK_NAME = 'superblock';
export const MARKS_NAME = 'marks';
export const WAL_DIRECTORY_NAME = 'wal';
export const SNAPSHOTS_DIRECTORY_NAME = 'snapshots';
export const QUARANTINE_DIRECTORY_NAME = 'quarantine';
/** Makes a directory a checkpoint: see checkpoint-file.ts. */
export const CHECKPOINT_NAME = 'checkpoint';
/** Stands in a directory while a copy of a store is made in it. */
export const UNFINISHED_NAME = 'unfinished';
/** Locked where the segments live outside the store's directory. */
export const WAL_LOCK_NAME = 'wal.lock';
/** What some file systems put into their root; never ours, never foreign. */
export const LOST_AND_FOUND_NAME = 'lost+found';

const SEGMENT = /^(\d{16})\.wal$/;
const SEGMENT_ASIDE = /^(\d{16})\.wal\.aside$/;
const SPARE = /^(\d{16})\.spare$/;

function digits(number: number): string {
  return String(number).padStart(16, '0');
}

/** `0000000000000007.wal` */
export function segmentName(number: number): string {
  return `${digits(number)}.wal`;
}

/** What a segment's name ends with for the moment in which its own name is proven durable (R10). */
export const SEGMENT_ASIDE_SUFFIX = '.aside';

export function segmentAsideName(number: number): string {
  return segmentName(number) + SEGMENT_ASIDE_SUFFIX;
}

/** A file prepared to become a segment. */
export function spareName(number: number): string {
  return `${digits(number)}.spare`;
}

export type WalFileName =
  | { readonly kind: 'segment' | 'aside' | 'spare'; readonly number: number }
  | { readonly kind: 'lock' }
  | { readonly kind: 'foreign' };

/** What a name in the directory of the segments stands for. */
export function parseWalFileName(name: string): WalFileName {
  const segment = SEGMENT.exec(name);
  if (segment) return numbered('segment', Number(segment[1]));
  const aside = SEGMENT_ASIDE.exec(name);
  if (aside) return numbered('aside', Number(aside[1]));
  const spare = SPARE.exec(name);
  if (spare) return numbered('spare', Number(spare[1]));
  return name === WAL_LOCK_NAME ? { kind: 'lock' } : { kind: 'foreign' };
}

/** What no segment can be numbered is none. */
function numbered(kind: 'segment' | 'aside' | 'spare', number: number): WalFileName {
  return number <= LIMITS.segmentNumberMax ? { kind, number } : { kind: 'foreign' };
}
