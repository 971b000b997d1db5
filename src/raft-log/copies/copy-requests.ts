import { checkEnvironment, type Environment } from '../../disk/environment.js';
import { checkSignal, given, invalidArgument, readFields } from '../../errors/arguments.js';
import { directory, outside, walDirBeside } from '../rules/options.js';
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
  const fields = readFields('options', options, known, '');
  const { to, walDir, toWalDir, identity, wholeCluster, environment, signal } = fields;
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
  checkEnvironment('environment', environment);
  checkSignal('signal', signal);
  return {
    from: source,
    to: target,
    walDir: sourceWal,
    toWalDir: walDirBeside('toWalDir', toWalDir, target, ...sources),
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
  checkSignal('signal', signal);
  return { scope, to: outside('to', to, [dir]), ...given({ signal }) };
}
