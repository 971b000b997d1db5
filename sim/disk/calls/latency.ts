import type { CallKind } from './call-kinds.js';

/** Typical virtual milliseconds of a call on a fast local disk. */
const TYPICAL_MS: Readonly<Record<CallKind, number>> = {
  open: 0.03,
  read: 0.02,
  write: 0.02,
  truncate: 0.05,
  dataSync: 0.4,
  sync: 0.5,
  fstat: 0.01,
  tryLock: 0.01,
  close: 0.01,
  mkdir: 0.05,
  readdir: 0.05,
  stat: 0.01,
  statfs: 0.01,
  rename: 0.05,
  unlink: 0.05,
  link: 0.05,
  syncDirectory: 0.5,
};

/** What goes to the platter itself. */
const SLOWED: ReadonlySet<CallKind> = new Set<CallKind>(['read', 'dataSync', 'sync', 'syncDirectory']);

const SLOW_MS_MAX = 5_000;
const STUCK_MS = 600_000;

export type Pace = 'usual' | 'slow' | 'stuck';

/**
 * How long a call takes: between half and twice the typical time, so that calls under way overtake each
 * other; syncs and reads `slowness` times that. `draw` is any integer of 32 bits.
 */
export function drawLatencyMs(kind: CallKind, draw: number, pace: Pace, slowness: number): number {
  const fraction = draw / 2 ** 32;
  const usual = TYPICAL_MS[kind] * (0.5 + 1.5 * fraction) * (SLOWED.has(kind) ? slowness : 1);
  switch (pace) {
    case 'usual':
      return usual;
    case 'slow':
      return usual + SLOW_MS_MAX * fraction;
    case 'stuck':
      return STUCK_MS;
  }
}
