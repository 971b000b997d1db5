import type { Entry } from '../../../src/raft-log/contract.js';

/** What an entry is for, written as its `kind`. Kinds of 16 and above are the host's own commands. */
export const ENTRY_KIND: {
  /** A command of the host's state machine. */
  readonly command: 0;
  /** A change of the configuration, see membership.ts. */
  readonly configuration: 1;
  /** The entry with which a leader opens its term (dissertation §6.4); it carries no data. */
  readonly termStart: 2;
} = { command: 0, configuration: 1, termStart: 2 };

/** Sum of the data of `entries` in bytes. */
export function dataBytes(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + entry.data.length, 0);
}

/** The longest head of `entries` whose data stays within `bytesMax`, but at least one entry if there is one. */
export function headWithin(entries: readonly Entry[], bytesMax: number): readonly Entry[] {
  let bytes = 0;
  let count = 0;
  for (const entry of entries) {
    bytes += entry.data.length;
    if (count > 0 && bytes > bytesMax) break;
    count += 1;
  }
  return count === entries.length ? entries : entries.slice(0, count);
}
