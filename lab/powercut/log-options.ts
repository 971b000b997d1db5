import type { Environment, RaftLogOptions } from '../../src/index.js';

/** Where a log lies, and in segments of which sizes: writers and the judge open it alike. */
export interface LogPlace {
  readonly dir: string;
  /** Of the segments, on a disk of their own; null: below `dir`. */
  readonly walDir: string | null;
  /** The judge takes the first. */
  readonly segmentKiB: readonly number[];
}

/** Small, so that files change often. */
export const SMALL_SEGMENTS: readonly number[] = [64, 64, 64, 16, 1024];
/** What a log has that is opened without options. */
export const LARGE_SEGMENTS: readonly number[] = [64 * 1024];

export function logOptions(
  { dir, walDir, segmentKiB }: LogPlace,
  environment: Environment,
  kibibytes: number = segmentKiB[0]!,
): RaftLogOptions {
  return { dir, ...(walDir === null ? {} : { walDir }), segmentBytes: kibibytes * 1024, environment };
}

/** A directory of the file system that fills up. */
export function roomOf({ dir, walDir }: LogPlace): string {
  return walDir ?? dir;
}
