import { resolve } from 'node:path';
import { checkEnvironment, type Environment } from '../../disk/environment.js';
import { checkDirectory, checkSignal, invalidArgument, readFields } from '../../errors/arguments.js';
import { holdsDirectory } from '../rules/options.js';
import type { CheckpointRequest, CloneIdentity } from './copies-contract.js';

/** What a clone is asked for, read and checked; paths are absolute. */
export interface GivenClone {
  readonly from: string;
  readonly to: string;
  /** Null: inside `from`. */
  readonly walDir: string | null;
  readonly identity: CloneIdentity;
  readonly wholeCluster: boolean;
  readonly environment: Environment | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Reads what `cloneRaftLog` was given. @throws `KEELSON_INVALID_ARGUMENT`. */
export function readCloneOptions(from: unknown, options: unknown): GivenClone {
  const known = ['to', 'walDir', 'identity', 'wholeCluster', 'environment', 'signal'] as const;
  const { to, walDir, identity, wholeCluster, environment, signal } = readFields(
    'options',
    options,
    known,
    '',
  );
  const source = directory('from', from);
  const target = outside('to', to, source);
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
    walDir: walDir === undefined ? null : directory('walDir', walDir),
    identity,
    wholeCluster: wholeCluster === true,
    environment,
    signal,
  };
}

/** Reads what `RaftLog.checkpoint` was given. @throws `KEELSON_INVALID_ARGUMENT`. */
export function readCheckpointRequest(request: unknown, dir: string): CheckpointRequest {
  const { scope, to, signal } = readFields('request', request, ['scope', 'to', 'signal'], '');
  if (scope !== 'all' && scope !== 'durable') throw invalidArgument('scope', scope, `'all' or 'durable'`);
  if (signal !== undefined) checkSignal('signal', signal);
  return { scope, to: outside('to', to, dir), ...(signal === undefined ? {} : { signal }) };
}

function directory(name: string, value: unknown): string {
  checkDirectory(name, value);
  return resolve(value);
}

/** A copy inside its source would be a stray there, and one around it would hold another store. */
function outside(name: string, value: unknown, dir: string): string {
  const path = directory(name, value);
  if (holdsDirectory(dir, path) || holdsDirectory(path, dir))
    throw invalidArgument(name, value, `a directory beside ${dir}, neither in it nor around it`);
  return path;
}
