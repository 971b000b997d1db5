import type { SnapshotMeta } from '../snapshot-contract.js';

/** Returned bytes belong to the caller. */
export function ownMeta(meta: SnapshotMeta): SnapshotMeta {
  return { ...meta, conf: Uint8Array.from(meta.conf) };
}

/** As do these. */
export function ownValues(values: ReadonlyMap<string, Uint8Array>): Map<string, Uint8Array<ArrayBuffer>> {
  return new Map([...values].map(([key, value]) => [key, Uint8Array.from(value)]));
}
