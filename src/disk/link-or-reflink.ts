import { close, constants, copyFile, fsync, link, open } from 'node:fs';
import { promisify } from 'node:util';
import { systemCode } from './system-error.js';

const linkAsync = promisify(link);
const copyFileAsync = promisify(copyFile);
const openAsync = promisify(open);
const fsyncAsync = promisify(fsync);
const closeAsync = promisify(close);

/** Gives a file a second name, or a second file that shares its blocks. */
export type Duplicate = (from: string, to: string) => Promise<void>;

/** Answers of a file system, or of a policy (`fs.protected_hardlinks`), that has no hard link to give. */
const LINK_REFUSALS: ReadonlySet<string | undefined> = new Set([
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EXDEV',
  'EMLINK',
]);

/**
 * Links `from` to the new name `to`; where links are refused, makes a copy that shares blocks, and syncs it,
 * so that in both cases the data under the new name is as durable as it was (A13). If neither is to be had, the
 * error is the link's own, since that is what an operator can act on; the copy's stands behind it as `cause`.
 */
export async function linkOrReflink(
  from: string,
  to: string,
  hardLink: Duplicate = linkAsync,
  reflink: Duplicate = nodeReflink,
): Promise<void> {
  try {
    await hardLink(from, to);
  } catch (refusal) {
    if (!LINK_REFUSALS.has(systemCode(refusal))) throw refusal;
    try {
      await reflink(from, to);
    } catch (cause) {
      if (systemCode(cause) === 'EEXIST') throw cause;
      if (refusal instanceof Error && refusal.cause === undefined) refusal.cause = cause;
      throw refusal;
    }
  }
}

/** A copy made by the file system alone (Btrfs, XFS, APFS), or an error: bytes are never copied. */
async function nodeReflink(from: string, to: string): Promise<void> {
  // libuv removes what it made of `to` when the clone fails.
  await copyFileAsync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
  // The copy is an inode of its own, whose size and block list no sync has covered yet.
  const fd = await openAsync(to, 'r+');
  try {
    await fsyncAsync(fd);
  } finally {
    await closeAsync(fd);
  }
}
