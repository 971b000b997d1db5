import { join } from 'node:path';
import { checkEnvironment, type Environment } from '../../disk/environment.js';
import { checkSignal, invalidArgument, readFields } from '../../errors/arguments.js';
import { WAL_DIRECTORY_NAME } from '../../format/names.js';
import { directory, holdsDirectory } from '../rules/options.js';
import type { CheckpointRequest, CloneIdentity } from './copies-contract.js';

/** What a clone is asked for, read and checked; paths are absolute. */
export interface GivenClone {
  readonly from: string;
  readonly to: string;
  /** Null: inside `from`. */
  readonly walDir: string | null;
  /** Null: inside `to`. */
  readonly toWalDir: string | null;
  readonly identity: CloneIdentity;
  readonly wholeCluster: boolean;
  readonly environment: Environment | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Reads what `cloneRaftLog` was given. @throws `KEELSON_INVALID_ARGUMENT`. */
export function readCloneOptions(from: unknown, options: unknown): GivenClone {
  const known = ['to', 'walDir', 'toWalDir', 'identity', 'wholeCluster', 'environment', 'signal'] as const;
  const { to, walDir, toWalDir, identity, wholeCluster, environment, signal } = readFields(
    'options',
    options,
    known,
    '',
  );
  const source = directory('from', from);
  const sourceWal = walDir === undefined ? null : directory('walDir', walDir);
  const sources = sourceWal === null ? [source] : [source, sourceWal];
  const target = outside('to', to, sources);
  if (identity !== 'new-member' && identity !== 'same')
    throw invalidArgument('identity', identity, `'new-member' or 'same', which only you can know`);
  if (wholeCluster !== undefined && typeof wholeCluster !== 'boolean')
    throw invalidArgument('wholeCluster', wholeCluster, 'true or false');
  if (wholeCluster === true && identity !== 'same')
    throw invalidArgument('wholeCluster', wholeCluster, `nothing unless identity is 'same'`);
  if (environment !== undefined) checkEnvironment('environment', environment);
  if (signal !== undefined) checkSignal('signal', signal);
  return {
    from: source,
    to: target,
    walDir: sourceWal,
    toWalDir: isInside(toWalDir, target) ? null : outside('toWalDir', toWalDir, [...sources, target]),
    identity,
    wholeCluster: wholeCluster === true,
    environment,
    signal,
  };
}

/** Where a store has its segments of its own accord, said aloud or not. */
function isInside(walDir: unknown, dir: string): boolean {
  return walDir === undefined || directory('toWalDir', walDir) === join(dir, WAL_DIRECTORY_NAME);
}

/** Reads what `RaftLog.checkpoint` was given. @throws `KEELSON_INVALID_ARGUMENT`. */
export function readCheckpointRequest(request: unknown, dir: string): CheckpointRequest {
  const { scope, to, signal } = readFields('request', request, ['scope', 'to', 'signal'], '');
  if (scope !== 'all' && scope !== 'durable') throw invalidArgument('scope', scope, `'all' or 'durable'`);
  if (signal !== undefined) checkSignal('signal', signal);
  return { scope, to: outside('to', to, [dir]), ...(signal === undefined ? {} : { signal }) };
}

/** A copy inside its source would be a stray there, and one around it would hold another store. */
function outside(name: string, value: unknown, dirs: readonly string[]): string {
  const path = directory(name, value);
  const dir = dirs.find((one) => holdsDirectory(one, path) || holdsDirectory(path, one));
  if (dir !== undefined)
    throw invalidArgument(name, value, `a directory beside ${dir}, neither in it nor around it`);
  return path;
}
