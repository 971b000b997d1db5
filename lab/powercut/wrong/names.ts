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

export const snapshotNotSynced: WrongCopy = {
  name: 'snapshot-unsynced',
  says: 'the files of snapshots are not synced',
  needs: null,
  harmlessOn: [],
  around: (environment) =>
    always(hooked(environment, { sync: (path, sync) => (path.includes('snap') ? undefined : sync()) })),
};
