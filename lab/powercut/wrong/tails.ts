import { setTimeout as wait } from 'node:timers/promises';
import { hooked, type HookedWrite } from '../life/hooked-environment.js';
import type { WrongCopy, WrongEnvironment } from './wrong-copy.js';
import { always } from './wrong-copy.js';

/** For longer than any disk fails; a file system that has shut itself down fails for good. */
const TRIES_MAX = 100;

export const failedSyncTriedAgain: WrongCopy = {
  name: 'sync-again',
  says: 'a sync that failed is tried again until it answers',
  needs: 'errors',
  // It shuts itself down at the first failed write, and no later sync answers.
  harmlessOn: ['btrfs'],
  around: (environment) =>
    always(
      hooked(environment, {
        sync: async (_, sync) => {
          for (let tries = 1; ; tries += 1) {
            try {
              await sync();
              return;
            } catch (error) {
              if (tries === TRIES_MAX) throw error;
              await wait(5);
            }
          }
        },
      }),
    ),
};

export const tailNotRewritten: WrongCopy = {
  name: 'tail-not-rewritten',
  says: 'an open syncs the tail without writing it again',
  needs: 'errors',
  harmlessOn: [],
  around: (environment) =>
    whileOpening((isOpening) =>
      hooked(environment, { write: (write) => (isOpening() ? unlessThere(write) : write.run()) }),
    ),
};

export const tailNotProven: WrongCopy = {
  name: 'tail-not-proven',
  says: 'an open takes the tail as it can be read, and makes none of it durable',
  needs: 'kills',
  harmlessOn: [],
  around: (environment) =>
    whileOpening((isOpening) =>
      hooked(environment, {
        write: (write) => (isOpening() && isSegment(write.file.path) ? unlessThere(write) : write.run()),
        sync: (path, sync) => (isOpening() && isSegment(path) ? undefined : sync()),
      }),
    ),
};

function whileOpening(make: (isOpening: () => boolean) => WrongEnvironment['environment']): WrongEnvironment {
  let isOpening = false;
  return {
    environment: make(() => isOpening),
    opening: () => {
      isOpening = true;
    },
    opened: () => {
      isOpening = false;
    },
  };
}

function isSegment(path: string): boolean {
  return path.endsWith('.wal');
}

/** Leaves out a write of bytes that can be read there already. */
async function unlessThere({ file, bytes, position, run }: HookedWrite): Promise<number> {
  if (!isSegment(file.path)) return run();
  const there = Buffer.alloc(bytes.length);
  const count = await file.read(there, position);
  return count === bytes.length && there.equals(bytes) ? count : run();
}
