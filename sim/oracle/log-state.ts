import type { HardState } from '../../src/raft-log/contract.js';
import { checksum } from '../../src/format/checksum.js';

/** An entry as the model holds it; never changed once made. */
export interface ModelEntry {
  readonly index: number;
  readonly term: number;
  readonly kind: number;
  readonly data: Uint8Array;
  /** Over all of the above. */
  readonly hash: number;
}

/** A snapshot as the model holds it: its data by size and hash alone. */
export interface ModelSnapshot {
  readonly index: number;
  readonly term: number;
  readonly conf: Uint8Array;
  readonly bytes: number;
  readonly dataHash: number;
}

/** All of a log that can be seen from outside. A value: no state is ever changed, so states share entries. */
export interface LogState {
  readonly boundary: { readonly index: number; readonly term: number };
  readonly entries: readonly ModelEntry[];
  /** Sum of the hashes of the entries, mod 2^32: with the length and the bounds it stands for all of them. */
  readonly entriesHash: number;
  readonly hardState: HardState;
  readonly snapshot: ModelSnapshot | null;
  /** Small values by key, in hex, in the order of their keys. */
  readonly stable: ReadonlyMap<string, string>;
}

/** A log of which nothing was ever saved. */
export const FRESH_STATE: LogState = Object.freeze({
  boundary: { index: 0, term: 0 },
  entries: [],
  entriesHash: 0,
  hardState: { term: 0, vote: null, commit: 0 },
  snapshot: null,
  stable: new Map<string, string>(),
});

export function firstIndexOf(state: LogState): number {
  return state.boundary.index + 1;
}

export function lastIndexOf(state: LogState): number {
  return state.boundary.index + state.entries.length;
}

/** Term at an index from the boundary to the end; undefined elsewhere. */
export function termAt(state: LogState, index: number): number | undefined {
  if (index === state.boundary.index) return state.boundary.term;
  return state.entries[index - state.boundary.index - 1]?.term;
}

export function lastTermOf(state: LogState): number {
  return state.entries[state.entries.length - 1]?.term ?? state.boundary.term;
}

export function modelEntry(index: number, term: number, kind: number, data: Uint8Array): ModelEntry {
  return { index, term, kind, data, hash: entryHash(index, term, kind, data) };
}

function entryHash(index: number, term: number, kind: number, data: Uint8Array): number {
  let hash = Math.imul(checksum(data) ^ Math.imul(index, 0x9e3779b1), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15) ^ Math.imul(term, 0xc2b2ae35), 0x27d4eb2f);
  hash = Math.imul(hash ^ (hash >>> 13) ^ (kind + data.length * 256), 0x165667b1);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The state with other entries from `keepUntil` on. */
export function withEntries(state: LogState, keepUntil: number, added: readonly ModelEntry[]): LogState {
  const { boundary, hardState, snapshot, stable } = state;
  const kept = keepUntil - boundary.index - 1;
  let { entriesHash } = state;
  for (let at = kept; at < state.entries.length; at += 1) entriesHash -= state.entries[at]?.hash ?? 0;
  for (const entry of added) entriesHash += entry.hash;
  const entries = state.entries.slice(0, kept).concat(added);
  return { boundary, entries, entriesHash: entriesHash >>> 0, hardState, snapshot, stable };
}

/** The state with its entries up to `index` gone. */
export function withBoundary(state: LogState, index: number): LogState {
  const { hardState, snapshot, stable } = state;
  const boundary = { index, term: termAt(state, index) ?? 0 };
  const dropped = index - state.boundary.index;
  let { entriesHash } = state;
  for (const entry of state.entries.slice(0, dropped)) entriesHash -= entry.hash;
  const entries = state.entries.slice(dropped);
  return { boundary, entries, entriesHash: entriesHash >>> 0, hardState, snapshot, stable };
}

export function isSameHardState(a: HardState, b: HardState): boolean {
  return a.term === b.term && a.vote === b.vote && a.commit === b.commit;
}

export function isSameStable(a: LogState['stable'], b: LogState['stable']): boolean {
  if (a === b) return true;
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}

export function isSameSnapshot(a: ModelSnapshot | null, b: ModelSnapshot | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.index === b.index &&
    a.term === b.term &&
    a.bytes === b.bytes &&
    a.dataHash === b.dataHash &&
    Buffer.compare(a.conf, b.conf) === 0
  );
}

/** Whether two states cannot be told apart from outside. */
export function isSameState(a: LogState, b: LogState): boolean {
  return (
    a.boundary.index === b.boundary.index &&
    a.boundary.term === b.boundary.term &&
    a.entries.length === b.entries.length &&
    a.entriesHash === b.entriesHash &&
    isSameHardState(a.hardState, b.hardState) &&
    isSameStable(a.stable, b.stable) &&
    isSameSnapshot(a.snapshot, b.snapshot)
  );
}
