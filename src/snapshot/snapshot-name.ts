import { LIMITS } from '../format/limits.js';

/** What a name in the directory of the snapshots stands for. */
export type SnapshotFileName =
  | { readonly kind: 'published' | 'temporary'; readonly index: number; readonly term: number }
  | { readonly kind: 'foreign' };

// Sixteen digits: as many as 2^53-1 has, so names sort as their numbers do.
const NAME = /^(\d{16})-(\d{16})\.(snap|tmp)$/;

/** `0000000000000120-0000000000000003.snap` */
export function publishedName(index: number, term: number): string {
  return `${digits(index)}-${digits(term)}.snap`;
}

/** The name of the same snapshot while it is written: nothing ever reads a file of such a name. */
export function temporaryName(index: number, term: number): string {
  return `${digits(index)}-${digits(term)}.tmp`;
}

/** A name is ours only if it is, to the letter, one that we would give; all others are never touched. */
export function parseSnapshotFileName(name: string): SnapshotFileName {
  const parts = NAME.exec(name);
  if (parts === null) return { kind: 'foreign' };
  const index = Number(parts[1]);
  const term = Number(parts[2]);
  if (index > LIMITS.integerMax || term > LIMITS.integerMax) return { kind: 'foreign' };
  return { kind: parts[3] === 'snap' ? 'published' : 'temporary', index, term };
}

function digits(number: number): string {
  return String(number).padStart(16, '0');
}
