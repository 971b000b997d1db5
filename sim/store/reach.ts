import type { CallNotice } from '../disk/calls/calls-to-come.js';
import { parseWalFileName } from '../../src/format/names.js';

/** What a scenario can bring the store to do. One that stays at zero over a deep run is a fault of the simulator. */
export const BRANCHES = [
  // Verdicts and work of recovery.
  'opened-fresh',
  'opened-clean',
  'opened-torn-tail',
  'store-remade',
  'tail-cut',
  'tail-quarantined',
  'tail-rewritten',
  'slot-rebuilt',
  'segment-set-aside',
  'aside-restored',
  'leftover-removed',
  'open-failed',
  'open-failed-for-a-read',
  'damage-named-by-open',
  'damage-named-by-read',
  'damage-verified',
  'damage-behind-clean-end',
  'copy-repaired',
  'repaired-again',
  'visited-before-repair',
  'stays-unfit',
  'older-snapshot-stood-in',
  'rollback-behind-clean-end',
  'rollback-named',
  'rollback-harmless',
  'rollback-older',
  'log-rebuilt-by-repair',
  'crash-in-repair',
  'crash-in-open',
  'crash-in-operation',
  'crash-at-rest',
  // The life of a log.
  'saved',
  'cut-by-conflict',
  'truncated',
  'refused-by-interlock',
  'mismatch-refused',
  'queue-full',
  'read-beside-saves',
  'queue-read',
  'read-in-memory',
  'accepted-in-memory',
  'streamed-beside-saves',
  'stream-told-of-change',
  'closed-with-saves-under-way',
  'closed-with-more-under-way',
  'rotated',
  'segment-recycled',
  'snapshot-created',
  'older-snapshot-read',
  'snapshot-read-after-retention',
  'snapshot-held-already',
  'snapshot-broken-off',
  'snapshots-in-line',
  'snapshot-installed-keeping',
  'snapshot-installed-replacing',
  'queued-behind-replacing-install',
  'saved-beside-snapshot',
  'sunk-snapshot-covers-nothing',
  'compacted',
  'read-beside-writer',
  'read-beside-moving-writer',
  'reader-told-of-moving',
  'closed-and-reopened',
  'cloned',
  'cloned-from-checkpoint',
  'cloned-beside-moving-writer',
  'copy-made-again',
  'copy-refused',
  'crash-left-no-copy',
  'crash-left-whole-copy',
  // Trouble.
  'no-space',
  'space-back',
  'stalled',
  'opened-on-full-disk',
  'open-refused-on-full-disk',
  'compacted-on-full-disk',
  'voted-on-full-disk',
  'latched-by-write',
  'latched-by-sync',
  'latched-by-read',
  'fenced',
  'read-while-latched',
  'successor-opened',
  'twins-both-saved',
  'moved-away',
  'stopped-by-move',
  'opened-where-moved-to',
  'save-failed-but-survived',
  'save-failed-and-lost',
] as const;

/** One of {@link BRANCHES}. */
export type Branch = (typeof BRANCHES)[number];

/** How often each branch ran. */
export type Reach = Record<Branch, number>;

export function newReach(): Reach {
  return Object.fromEntries(BRANCHES.map((name) => [name, 0])) as Reach;
}

/** Tells by its calls what an open does, where its report does not say so. */
export function noteOpenCall(reach: Reach, { kind, path }: CallNotice): void {
  if (kind !== 'write' && kind !== 'rename' && kind !== 'unlink') return;
  const name = parseWalFileName(path.slice(path.lastIndexOf('/') + 1));
  if (kind === 'write' && name.kind === 'segment') reach['tail-rewritten'] += 1;
  else if (kind === 'rename' && name.kind === 'segment') reach['segment-set-aside'] += 1;
  else if (kind === 'rename' && name.kind === 'aside') reach['aside-restored'] += 1;
  else if (kind === 'unlink' && name.kind !== 'foreign') reach['leftover-removed'] += 1;
}
