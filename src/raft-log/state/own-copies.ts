import type { HardState } from '../hard-state-contract.js';
import type { SnapshotMeta } from '../snapshot-contract.js';

/** Returned bytes belong to the caller. */
export function ownMeta(meta: SnapshotMeta): SnapshotMeta {
  return { ...meta, conf: Uint8Array.from(meta.conf) };
}

/** As do these. */
export function ownValues(values: ReadonlyMap<string, Uint8Array>): Map<string, Uint8Array<ArrayBuffer>> {
  return new Map([...values].map(([key, value]) => [key, Uint8Array.from(value)]));
}

/** As no caller can change it. Field by field: each frozen copy of a spread would be an object of a shape of its own. */
export function frozenHardState({ term, vote, commit }: HardState): HardState {
  return Object.freeze({ term, vote, commit });
}
