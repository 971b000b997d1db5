import { hooked } from '../life/hooked-environment.js';
import { always, type WrongCopy } from './wrong-copy.js';

export const noDirectorySync: WrongCopy = {
  name: 'no-directory-sync',
  says: 'no directory is ever synced',
  needs: null,
  // Its sync of a file writes the names of the file, too.
  harmlessOn: ['btrfs'],
  around: (environment) => always(hooked(environment, { syncDirectory: () => undefined })),
};

export const headerNotSynced: WrongCopy = {
  name: 'header-unsynced',
  says: 'a segment gets its name before its header is synced',
  needs: null,
  harmlessOn: [],
  around: (environment) => {
    // The sync behind a write of a file's first bytes is the one of its header.
    const begun = new Set<string>();
    return always(
      hooked(environment, {
        open: (options) => ({ ...options, dataSync: false }),
        write: ({ file, position, run }) => {
          if (position === 0) begun.add(file.path);
          return run();
        },
        sync: (path, sync) => (isOfWal(path) && begun.delete(path) ? undefined : sync()),
      }),
    );
  },
};

function isOfWal(path: string): boolean {
  return path.endsWith('.spare') || path.endsWith('.wal');
}

export const snapshotNotSynced: WrongCopy = {
  name: 'snapshot-unsynced',
  says: 'the files of snapshots are not synced',
  needs: null,
  harmlessOn: [],
  around: (environment) =>
    always(hooked(environment, { sync: (path, sync) => (path.includes('snap') ? undefined : sync()) })),
};
