import { getSystemErrorMap } from 'node:util';
import { systemCode } from './system-error.js';

/** What a code of the system means to a log, and what its operator does about it. */
export interface SystemWords {
  /** What happened, to stand in brackets behind the code. */
  readonly says: string;
  /** What to do: an imperative that is followed by `, then ..`. */
  readonly remedy: string;
}

const LOCAL = 'Put the log on a local file system';
const OWNERS = 'Check the owner and the permissions of it and of the directories above it';

/**
 * The one table from a system's code to words and a next step. A step that does not fit its code sends an operator the
 * wrong way at night: 'check the disk' mends no missing descriptor.
 */
export const SYSTEM_WORDS: Readonly<Record<string, SystemWords>> = {
  EACCES: { says: 'permission denied', remedy: OWNERS },
  EBUSY: { says: 'it is in use', remedy: 'See what holds it, a mount or another process' },
  EDQUOT: {
    says: 'the disk quota is used up',
    remedy: 'Raise the quota, free what counts against it, or compact',
  },
  EEXIST: { says: 'something of that name is there already', remedy: 'Move it away' },
  EFBIG: { says: 'the file would be too large', remedy: 'Raise the limit of file sizes (ulimit -f)' },
  EIO: { says: 'the device failed', remedy: "Check the disk, and the kernel's log" },
  EISDIR: { says: 'a directory stands there', remedy: 'Check the path, and move the directory away' },
  ELOOP: { says: 'symbolic links lead in a circle', remedy: 'Mend the links' },
  EMFILE: {
    says: 'this process has no file descriptor left',
    remedy: 'Raise its limit of open files (ulimit -n), or close some',
  },
  ENAMETOOLONG: { says: 'the path is too long', remedy: 'Use a shorter one' },
  ENFILE: {
    says: 'the whole system has no file descriptor left',
    remedy: 'Raise its limit of open files (fs.file-max), or close some',
  },
  ENODEV: { says: 'the device is gone', remedy: 'Check that its disk is attached and mounted' },
  ENOENT: {
    says: 'it is not there, or is a link that leads nowhere',
    remedy: 'Find out what moved or deleted it, and check that its disk is mounted',
  },
  ENOLCK: { says: 'this file system cannot lock, or has no lock left', remedy: LOCAL },
  ENOMEM: { says: 'the system has no memory left', remedy: 'Free memory' },
  ENOSPC: {
    says: 'no space, or no inodes, left on the device',
    remedy: 'Free space or inodes (df -h, df -i), or compact',
  },
  ENOSYS: { says: 'this file system does not offer it', remedy: LOCAL },
  ENOTDIR: { says: 'a file stands where a directory must be', remedy: 'Check the path' },
  ENOTSUP: { says: 'this file system does not offer it', remedy: LOCAL },
  ENXIO: { says: 'the device is gone', remedy: 'Check that its disk is attached and mounted' },
  EOPNOTSUPP: { says: 'this file system does not offer it', remedy: LOCAL },
  EPERM: {
    says: 'the system does not permit it',
    remedy: `${OWNERS}, its attributes (lsattr) and the security policy`,
  },
  EROFS: {
    says: 'the file system is read-only',
    remedy: "Look for errors of the disk in the kernel's log, which make it so, and mount it for writing",
  },
  ESTALE: { says: 'its server has lost the file', remedy: LOCAL },
  EXDEV: {
    says: 'the two names are on different file systems',
    remedy: "Keep the log's directories on one file system, or give the segments their own by walDir",
  },
  ERR_ACCESS_DENIED: {
    says: "Node's permission model does not allow it",
    remedy: 'Start node with --allow-fs-read and --allow-fs-write for the directories of the log',
  },
  ERR_NO_LOCK_ADDON: {
    says: 'what locks files is missing',
    remedy:
      "Install keelson's dependencies on this very platform, with their optional files, and let node load native addons " +
      '(there are builds for Linux with glibc, macOS and Windows)',
  },
  ERR_NO_LOCK_RUNTIME: {
    says: 'this runtime cannot lock files',
    remedy: 'Run the process that writes the log under Node',
  },
};

/** What to do about a failure of which no more is known. */
const REMEDY = 'Check the disk';

/** What to do about this failure, to be followed by `, then ..`. */
export function remedyOf(cause: unknown): string {
  return wordsOf(cause)?.remedy ?? REMEDY;
}

/**
 * Why a call failed: the code, what it means, and what else the failure itself has to say; a sentence that somebody
 * wrote for this very case is worth more than any table.
 */
export function reasonOf(cause: unknown): string {
  const code = systemCode(cause);
  const sentence = sentenceOf(cause, code);
  if (code === undefined) return sentence ?? String(cause);
  const says = wordsOf(cause)?.says;
  const means = [says, sentence].filter((part) => part !== undefined).join('; ');
  return means === '' ? code : `${code} (${means})`;
}

function wordsOf(cause: unknown): SystemWords | undefined {
  const code = systemCode(cause);
  return code !== undefined && Object.hasOwn(SYSTEM_WORDS, code) ? SYSTEM_WORDS[code] : undefined;
}

/** The message without what is said elsewhere: its code before, its call and path behind; undefined if no more is left. */
function sentenceOf(cause: unknown, code: string | undefined): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  if (code === undefined) return cause.message;
  const bare = cause.message.startsWith(`${code}: `) ? cause.message.slice(code.length + 2) : cause.message;
  const { syscall } = cause as { syscall?: unknown };
  const at = typeof syscall === 'string' ? bare.lastIndexOf(`, ${syscall}`) : -1;
  const sentence = (at < 0 ? bare : bare.slice(0, at)).trim().replace(/\.$/, '');
  return sentence === '' || usualMessages().has(sentence) ? undefined : sentence;
}

let usual: ReadonlySet<string> | undefined;

/** What the system says of its codes by itself, which the table says better. */
function usualMessages(): ReadonlySet<string> {
  usual ??= new Set([...getSystemErrorMap().values()].map(([, message]) => message));
  return usual;
}
