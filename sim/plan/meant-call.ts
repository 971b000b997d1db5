import type { CallKind } from '../disk/calls/call-kinds.js';
import type { CallNotice } from '../disk/calls/calls-to-come.js';
import type { RawAccess } from '../disk/image/raw-access.js';
import type { CallClass, PlanFaultKind } from './plan.js';

const SYNCS: readonly CallKind[] = ['dataSync', 'sync', 'syncDirectory'];
const NAMES: ReadonlySet<CallKind> = new Set<CallKind>([
  'open',
  'mkdir',
  'readdir',
  'stat',
  'statfs',
  'rename',
  'unlink',
  'link',
]);

/** The classes of more than one call. */
const CLASSES: Readonly<Partial<Record<CallClass, ReadonlySet<CallKind>>>> = {
  'sync-or-rename': new Set<CallKind>([...SYNCS, 'rename']),
  sync: new Set<CallKind>(SYNCS),
  write: new Set<CallKind>(['write', 'truncate']),
  open: new Set<CallKind>(['open', 'readdir', 'syncDirectory']),
  name: NAMES,
};

/** Calls of names for which a disk may lack room. */
const MAKES_NAMES: ReadonlySet<CallKind> = new Set<CallKind>(['open', 'mkdir', 'rename', 'link']);

/** Which calls a fault counts: those of a class, and, with `of`, only those of files that it fits. */
export interface CallSelector {
  readonly on: CallClass;
  /** What the path ends in, `*` standing for anything but a slash: `superblock`, `*.wal`, `snapshots/*.tmp`. */
  readonly of?: string;
}

/** Whether a call that is about to be made of `disk` is one that a fault of this kind counts. */
export function isMeant(
  call: CallNotice,
  { on, of }: CallSelector,
  kind: PlanFaultKind,
  disk: RawAccess,
): boolean {
  if (!isOfClass(call, on, disk) || !canHappen(kind, call.kind)) return false;
  return of === undefined || fits(of, call.path);
}

function isOfClass(call: CallNotice, wanted: CallClass, disk: RawAccess): boolean {
  if (wanted === 'any') return true;
  if (wanted === 'change') return call.changes(disk);
  return CLASSES[wanted]?.has(call.kind) ?? call.kind === wanted;
}

function canHappen(fault: PlanFaultKind, kind: CallKind): boolean {
  if (fault === 'ENOSPC' && NAMES.has(kind)) return MAKES_NAMES.has(kind);
  if (fault === 'short-write' || fault === 'misdirected-write') return kind === 'write';
  return true;
}

const FITTING: Map<string, RegExp> = new Map<string, RegExp>();

function fits(pattern: string, path: string): boolean {
  let fitting = FITTING.get(pattern);
  if (fitting === undefined) {
    const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
    fitting = new RegExp(`(^|/)${parts.join('[^/]*')}$`);
    FITTING.set(pattern, fitting);
  }
  return fitting.test(path);
}
