import { writeSync } from 'node:fs';
import type { HardStateChange } from '../../../src/index.js';

/** The descriptor on which the writer tells the parent what it does. */
export const ANNOUNCEMENTS_FD = 3;

/** The `kind` of the empty entry with which a new leader begins its term; lines of the text have kind 0. */
export const NO_OP_KIND = 1;

/** The entries of one save: perhaps a no-op, then lines of the text one after the other, all of one term. */
export interface PlannedEntries {
  readonly first: number;
  readonly term: number;
  readonly hasNoOp: boolean;
  /** Number of the first line, and how many. */
  readonly line: number;
  readonly lineCount: number;
}

/** A save, in few enough words that each can be announced whole before it is made. */
export interface PlannedSave {
  readonly truncateFrom?: number;
  readonly entries?: PlannedEntries;
  readonly hardState?: HardStateChange;
}

/**
 * What the writer says, each word before or after a deed, never during one: `issued` is said before `save` is
 * called, `acked` after its promise was resolved. A kill can come between any two.
 */
export type Announcement =
  | { readonly is: 'opening' }
  | { readonly is: 'open' }
  | { readonly is: 'issued'; readonly save: PlannedSave }
  /** The oldest save that was issued and not acknowledged. */
  | { readonly is: 'acked' }
  | { readonly is: 'snapshot-issued'; readonly index: number }
  | { readonly is: 'snapshot-acked'; readonly index: number }
  | { readonly is: 'compact-issued'; readonly upTo: number }
  | { readonly is: 'compact-acked'; readonly upTo: number }
  | { readonly is: 'synced'; readonly ms: readonly number[] }
  | { readonly is: 'rotated' }
  | { readonly is: 'closed' };

/**
 * Says it, synchronously: when this returns, the words are in the kernel's hands, and the parent will read them
 * though this process be dead by then.
 */
export function announce(announcement: Announcement): void {
  const bytes = Buffer.from(`${JSON.stringify(announcement)}\n`);
  for (let from = 0; from < bytes.length;) from += writeSync(ANNOUNCEMENTS_FD, bytes, from);
}

/** Puts what arrives in pieces together again. A last word that was cut off by a kill was never said. */
export class Hearing {
  readonly #hear: (announcement: Announcement) => void;
  #rest = '';

  constructor(hear: (announcement: Announcement) => void) {
    this.#hear = hear;
  }

  /** Takes the next piece; announcements are ASCII, so no cut is inside a character. */
  receive(piece: string): void {
    const lines = (this.#rest + piece).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#hear(JSON.parse(line) as Announcement);
  }
}
