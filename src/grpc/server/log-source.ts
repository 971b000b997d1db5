import { join } from 'node:path';
import type { Environment } from '../../disk/environment.js';
import { invalidArgument } from '../../errors/arguments.js';
import type { RaftLog } from '../../raft-log/contract.js';
import type { RaftLogOptions } from '../../raft-log/options-contract.js';
import { openWithFormats } from '../../raft-log/open-raft-log.js';
import type { Cuts } from '../../raft-log/rules/cuts.js';
import { OLDER_FORMATS } from '../../raft-log/switch/older-format.js';
import type { TermRun } from '../generated/keelson/v1/raft_log.js';
import { noCheckpoints } from './refusals.js';

/** A log that the server has open, and what of its inside a session needs. */
export interface HostedLog {
  readonly log: RaftLog;
  /** Where it lies, for people. */
  readonly directory: string;
  /** LSN of the last record that was accepted. */
  acceptedLsn(): number;
  /** LSN of the last record on stable storage. */
  durableLsn(): number;
  /** What of the durable log was dropped, to be told by who hands it out piece by piece. */
  readonly cuts: Cuts;
  /** Bytes that wait for the disk. */
  queuedBytes(): number;
  /** Terms of the durable log, the boundary's first. */
  termRuns(): readonly TermRun[];
}

/** How a client asks for its log to be opened. */
export type HostedOptions = Pick<
  RaftLogOptions,
  'create' | 'segmentBytes' | 'batchBytesMax' | 'snapshotsKept' | 'checks' | 'verifyOnOpen' | 'readOnly'
>;

/** Where the logs of a server come from. */
export interface LogSource {
  open(name: string, options: HostedOptions): Promise<HostedLog>;
  /** The directory of the checkpoint of that name. @throws `KEELSON_UNAVAILABLE` where none are kept. */
  checkpointAt(name: string): string;
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/u;

/** Refuses what is no name of a log: it becomes the name of a directory, and must not lead out of the root. */
export function checkLogName(name: string, argument = 'name'): void {
  if (NAME.test(name)) return;
  throw invalidArgument(argument, name, `1..64 of a-z, 0-9, '-', '_', '.', the first a letter or a digit`);
}

/** What of the options is the server's own affair. */
export interface DirectoryOptions extends Omit<RaftLogOptions, 'dir' | 'walDir' | 'signal' | 'readOnly'> {
  readonly root: string;
  /** Below it are the checkpoints; left out: there are none. */
  readonly checkpoints?: string | undefined;
  readonly environment?: Environment;
}

/** Logs in directories below a root, one a name. */
export function logsBelow({ root, checkpoints, ...own }: DirectoryOptions): LogSource {
  return {
    checkpointAt: (name) => {
      if (checkpoints === undefined) throw noCheckpoints();
      checkLogName(name, 'to');
      return join(checkpoints, name);
    },
    open: async (name, options) => {
      checkLogName(name);
      const dir = join(root, name);
      const { log, store } = await openWithFormats({ ...own, ...options, dir }, OLDER_FORMATS);
      const { frames, durable } = store;
      return {
        log,
        directory: dir,
        acceptedLsn: () => frames.acceptedLsn,
        durableLsn: () => frames.durable.lsn,
        cuts: durable.cuts,
        queuedBytes: () => frames.queuedBytes,
        termRuns: () => {
          const runs = durable.termRuns(durable.firstIndex, durable.lastIndex + 1);
          const boundary = { index: durable.firstIndex - 1, term: durable.term(durable.firstIndex - 1) };
          const told: TermRun[] = [boundary];
          for (let at = runs[1] === boundary.term ? 2 : 0; at < runs.length; at += 2)
            told.push({ index: runs[at] as number, term: runs[at + 1] as number });
          return told;
        },
      };
    },
  };
}
