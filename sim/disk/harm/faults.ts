import type { Random } from '../../world/random.js';
import type { CallKind, CrashKind, CrashPoint } from '../calls/call-kinds.js';

/** Each fault that can be drawn by probability at a call, or directed at one. */
export const FAULT_KINDS = [
  /** EIO. */
  'read-error',
  'short-read',
  /** EIO; part of the bytes may have reached the cache. */
  'write-error',
  'short-write',
  /** ENOSPC; of a write part of the bytes, of a sync part of what was pending has landed. */
  'no-space',
  /** EIO of a sync, of a file or a directory; see failed-sync.ts. */
  'sync-error',
  /** EIO of a call that changes or reads names; nothing of it happens. */
  'metadata-error',
  /** EMFILE. */
  'too-many-open-files',
  /** Takes up to seconds. */
  'slow',
  /** Takes ten minutes, or until a crash. */
  'stuck',
  /** The device writes the bytes to another place of some file. */
  'misdirected-write',
  /** The process loses the locks that it holds, and is not told. */
  'lock-lost',
  /** One bit flips within the budget; see durability-record.ts. */
  'bit-rot',
  /** One sector cannot be read until it is overwritten, within the same budget. */
  'unreadable-sector',
  /** Clean pages leave the cache. */
  'eviction',
] as const;

/** One of {@link FAULT_KINDS}. */
export type FaultKind = (typeof FAULT_KINDS)[number];

/** What is to happen at one call. */
export type Directive =
  | {
      /** The world stops here. */
      readonly crash: CrashKind;
      /** Before, within or behind the call. */
      readonly at: CrashPoint;
    }
  | {
      /** It suffers this. */
      readonly fault: FaultKind;
    }
  | {
      /** Fails with this code, and leaves what such a failure leaves. */
      readonly code: string;
    };

const EVERYWHERE: readonly FaultKind[] = [
  'slow',
  'stuck',
  'lock-lost',
  'bit-rot',
  'unreadable-sector',
  'eviction',
];

const FAULTS_OF_CALL: Readonly<Record<CallKind, readonly FaultKind[]>> = {
  open: ['too-many-open-files', 'no-space', 'metadata-error'],
  read: ['read-error', 'short-read'],
  write: ['write-error', 'short-write', 'no-space', 'misdirected-write'],
  truncate: ['write-error', 'no-space'],
  dataSync: ['sync-error', 'no-space'],
  sync: ['sync-error', 'no-space'],
  fstat: [],
  tryLock: [],
  close: [],
  mkdir: ['metadata-error', 'no-space'],
  readdir: ['metadata-error'],
  stat: ['metadata-error'],
  statfs: ['metadata-error'],
  rename: ['metadata-error', 'no-space'],
  unlink: ['metadata-error'],
  link: ['metadata-error', 'no-space'],
  syncDirectory: ['sync-error', 'no-space'],
};

/** The faults that can happen at a call of this kind. */
export function faultsOf(kind: CallKind): readonly FaultKind[] {
  return FAULTS_OF_CALL[kind];
}

/** The error code by which a fault fails a call; undefined for one that does not fail it. */
export function codeOfFault(fault: FaultKind): string | undefined {
  return CODES_OF_FAULTS[fault];
}

const CODES_OF_FAULTS: Readonly<Partial<Record<FaultKind, string>>> = {
  'read-error': 'EIO',
  'write-error': 'EIO',
  'sync-error': 'EIO',
  'metadata-error': 'EIO',
  'no-space': 'ENOSPC',
  'too-many-open-files': 'EMFILE',
};

/** Draws the faults of one call. Every one that has a probability takes its number, hit or not. */
export function drawFaults(
  kind: CallKind,
  rates: Readonly<Partial<Record<FaultKind, number>>>,
  random: Random,
): readonly FaultKind[] {
  let drawn: FaultKind[] | null = null;
  for (const faults of [EVERYWHERE, FAULTS_OF_CALL[kind]]) {
    for (const fault of faults) {
      const rate = rates[fault];
      if (rate !== undefined && rate > 0 && random.chance(rate)) (drawn ??= []).push(fault);
    }
  }
  return drawn ?? NOTHING;
}

const NOTHING: readonly FaultKind[] = [];
