/** Every call of the disk port. Each counts as one place where the world may stop. */
export const CALL_KINDS = [
  'open',
  'read',
  'write',
  'truncate',
  'dataSync',
  'sync',
  'fstat',
  'tryLock',
  'close',
  'mkdir',
  'readdir',
  'stat',
  'statfs',
  'rename',
  'unlink',
  'link',
  'syncDirectory',
] as const;

/** A call of the disk port. */
export type CallKind = (typeof CALL_KINDS)[number];

/** How many calls were made, by kind. */
export type CallCounts = Record<CallKind, number>;

export function newCallCounts(): CallCounts {
  return Object.fromEntries(CALL_KINDS.map((kind) => [kind, 0])) as CallCounts;
}

/**
 * - `'kill'`: the processes die; what they wrote to the page cache stays.
 * - `'power'`: they die, and all that no sync made durable may be lost.
 * - `'kill-power'`: first the one, then at once the other.
 */
export type CrashKind = 'kill' | 'power' | 'kill-power';

/** Where in a call the world stops: before it has any effect, half way, or after all of it but its return. */
export type CrashPoint = 'before' | 'inside' | 'after';
