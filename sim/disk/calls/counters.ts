/** Everything that the simulated disk can do to a store; each is counted, so that a run can show its reach. */
export const REACHED = [
  // Crashes, and what they did.
  'process-killed',
  'power-cut',
  'call-torn-by-crash',
  'write-half-done-by-crash',
  'file-kept-nothing-pending',
  'file-kept-all-pending',
  'file-kept-prefix',
  'operation-torn-by-power-cut',
  'file-kept-some-sectors',
  'older-sector-version-kept',
  'size-without-data',
  'data-without-size',
  'stale-bytes-shown',
  'unsafe-overwrite',
  'create-lost',
  'create-kept',
  'rename-lost',
  'rename-kept',
  'rename-kept-both-names',
  'unlink-lost',
  'unlink-kept',
  'names-out-of-order',
  'page-evicted',
  'name-evicted',
  // Failed and odd calls.
  'read-failed',
  'read-short',
  'write-failed',
  'write-short',
  'no-space-injected',
  'no-space-natural',
  'overwrite-refused',
  'overwrite-cut-short',
  'sync-failed',
  'directory-sync-failed',
  'sync-lied-after-failure',
  'metadata-failed',
  'too-many-open-files',
  'call-slow',
  'call-stuck',
  'lock-lost',
  'write-fenced-by-successor',
  'bit-flipped',
  'sector-made-unreadable',
  'unreadable-sector-met',
  'write-misdirected',
] as const;

/** One of {@link REACHED}. */
export type Reached = (typeof REACHED)[number];

/** How often each thing happened. */
export type Counters = Record<Reached, number>;

export function newCounters(): Counters {
  return Object.fromEntries(REACHED.map((name) => [name, 0])) as Counters;
}
