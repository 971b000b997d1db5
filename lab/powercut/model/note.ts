import type { Call } from './call.js';

/** What a disk is made to do. */
export type DiskTrouble = 'fails writes' | 'fails flushes' | 'fails both' | 'is full' | 'has room again';

/** What a writer's notes say happened, and how many records the disk had then. */
export type Note =
  /** Read before the call: at a cut before this, nothing of it may be there. */
  | { readonly at: number; readonly what: 'asked'; readonly seq: number; readonly call: Call }
  /** Read behind the answer: at this cut and later ones, all of it is owed. */
  | { readonly at: number; readonly what: 'answered'; readonly seq: number }
  /** Refused by an error that says nothing of it exists, now or later. */
  | { readonly at: number; readonly what: 'refused'; readonly seq: number; readonly code: string }
  /** Failed with its fate open. */
  | { readonly at: number; readonly what: 'failed'; readonly seq: number; readonly code: string }
  | { readonly at: number; readonly what: 'opening' }
  /**
   * An open showed the state after so many of the calls that were still possible; owed from then on. `more`: than was
   * owed before, so that only the open itself can have made them durable.
   */
  | { readonly at: number; readonly what: 'opened'; readonly kept: number; readonly more: boolean }
  /** What was done to the disk, for the reader of a violation; `ms`: how long it fails. */
  | { readonly at: number; readonly what: 'disk'; readonly how: DiskTrouble; readonly ms?: number }
  /** The writer itself saw what may not be. */
  | { readonly at: number; readonly what: 'violation'; readonly text: string };
