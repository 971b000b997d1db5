import type { Environment } from '../../../src/index.js';
import { always, type WrongCopy, type WrongEnvironment } from './wrong-copy.js';
import { acknowledgedEarly, noSync, someSyncsLeftOut } from './syncs.js';
import { headerNotSynced, noDirectorySync, snapshotNotSynced } from './names.js';
import { failedSyncTriedAgain, tailNotProven, tailNotRewritten } from './tails.js';

/** Writers with one promise broken each, which the lab must notice: else it notices nothing. */
export const WRONG_COPIES: readonly WrongCopy[] = [
  noSync,
  acknowledgedEarly,
  someSyncsLeftOut,
  noDirectorySync,
  headerNotSynced,
  snapshotNotSynced,
  failedSyncTriedAgain,
  tailNotRewritten,
  tailNotProven,
];

/** The environment of a copy by name; null is the right one. */
export function wrongEnvironment(name: string | null, environment: Environment): WrongEnvironment {
  const copy = WRONG_COPIES.find((each) => each.name === name);
  return copy?.around(environment) ?? always(environment);
}
