import { Random, subSeed } from '../../world/random.js';
import type { FaultKind } from './faults.js';

/** Which kind of file system and device is simulated. What is left out is drawn from the seed or defaulted. */
export interface DiskProfile {
  /**
   * - `'strict'`: a sync of a file makes no name durable.
   * - `'journal'`: it also commits all earlier changes of names, in order.
   *
   * Drawn if left out. A store must hold in both and lean on neither.
   */
  readonly metadata: 'strict' | 'journal';
  /** What the device writes whole: tiny sectors multiply the interesting cuts. Drawn if left out. */
  readonly sectorBytes: 32 | 64 | 512 | 4096;
  /**
   * What a power cut may leave of what was pending. Drawn if left out, `'mixed'` twice as often.
   *
   * - `'mixed'`: for each file one of: nothing, all, a prefix with a torn next operation, each sector by itself.
   * - `'drop-all'`: nothing at all, data or name.
   * - `'per-file'`: for each file, and the names of each directory, either nothing or all.
   */
  readonly images: 'mixed' | 'drop-all' | 'per-file';
  /** After a failed sync the cache `'keeps'` the new bytes (ext4, XFS) or `'goes-back'` (Btrfs). Drawn if left out. */
  readonly failedSync: 'keeps' | 'goes-back';
  /** Default true: a power cut leaves bytes of a sector that were not being written as they were. */
  readonly powerSafeOverwrite: boolean;
  /**
   * Default false. True (Btrfs, ZFS): a write over what the platter holds takes room for a copy of each page, until the file is
   * synced. A full disk refuses it with `ENOSPC`.
   */
  readonly copiesOnWrite: boolean;
  /** Default 1 GiB. */
  readonly capacityBytes: number;
  /** Open files that one process may have. Default 1024. */
  readonly openFilesMax: number;
  /**
   * - `'inline'` (default): each call returns its value at once.
   * - `'background'`: each returns a promise, resolved from the event queue after a drawn time.
   * - `'as-asked'`: inline where the caller asks for it, else background.
   */
  readonly calls: 'inline' | 'background' | 'as-asked';
  /** So many times the usual time do syncs and reads take that are not inline. Default 1: those of a fast local disk. */
  readonly slowness: number;
  /** Probability of each fault at each call that it can happen to. Default: none. */
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  /**
   * Files whose synced bytes say of earlier ones that they were durable; drawn rot keeps to bytes that such a
   * witness vouches for. Default: every file.
   */
  readonly isWitness: (path: string) => boolean;
}

export function drawProfile(seed: number, given: Partial<DiskProfile>): DiskProfile {
  const random = new Random(subSeed(seed, 'profile'));
  return {
    metadata: random.pick(['strict', 'journal'] as const),
    sectorBytes: random.pick([32, 64, 512, 4096] as const),
    images: random.pick(['mixed', 'mixed', 'drop-all', 'per-file'] as const),
    failedSync: random.pick(['keeps', 'goes-back'] as const),
    powerSafeOverwrite: true,
    copiesOnWrite: false,
    capacityBytes: 2 ** 30,
    openFilesMax: 1024,
    calls: 'inline',
    slowness: 1,
    faults: {},
    isWitness: () => true,
    ...given,
  };
}
