/**
 * @coaty/consensus.raft, which is installed beside this example and not with Keelson: `npm ci` in `examples/coaty`. The
 * types are the library's own, as far as they matter to a store.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

/** The library's interface to a store: JSON values by key, each call overwrites what its key held. */
export interface RaftPersistency {
  persistData(data: unknown, key: string, id: string, cluster: string): Promise<void>;
  getPersistedData(key: string, id: string, cluster: string): Promise<unknown>;
  close(eraseAllData: boolean, id: string, cluster: string): Promise<void>;
}

/** The keys, as the library names them unless it is configured otherwise. */
export const KEY = { entries: 'entries', hardState: 'hardstate', snapshot: 'snapshot' } as const;

export interface CoatyEntry {
  readonly index: number;
  readonly term: number;
  readonly type: number;
  readonly data: unknown;
}

export interface CoatyHardState {
  readonly term: number;
  /** Empty for none. */
  readonly vote: string;
  readonly commit: number;
}

export interface CoatySnapshot {
  readonly data: unknown;
  readonly metadata: { readonly index: number; readonly term: number; readonly confState: unknown };
}

/** From the sources as from `dist`. */
const FOLDER = ['.', '../../../examples/coaty']
  .map((path) => resolve(import.meta.dirname, path))
  .find((path) => existsSync(join(path, 'package.json')));

const LIBRARY = '@coaty/consensus.raft';
const require = createRequire(join(FOLDER ?? import.meta.dirname, 'package.json'));

/** What is missing for this example to run; empty for nothing. */
export function whatIsMissing(): string {
  try {
    require.resolve(LIBRARY);
    return '';
  } catch {
    return 'run npm ci in examples/coaty';
  }
}

/** A module of the library, or of what it stands on. Typed by the caller: nothing of it is installed with Keelson. */
export function moduleOf(name: string): unknown {
  return require(name);
}
