import { hooked } from '../life/hooked-environment.js';
import { Random } from '../random.js';
import { always, type WrongCopy } from './wrong-copy.js';

export const noSync: WrongCopy = {
  name: 'no-sync',
  says: 'no file is ever synced',
  needs: null,
  harmlessOn: [],
  around: (environment) =>
    always(
      hooked(environment, {
        open: (options) => ({ ...options, dataSync: false }),
        sync: () => undefined,
      }),
    ),
};

export const acknowledgedEarly: WrongCopy = {
  name: 'ack-early',
  says: 'a sync answers when it begins',
  needs: null,
  harmlessOn: [],
  around: (environment) =>
    always(
      hooked(environment, {
        open: (options) => ({ ...options, dataSync: false }),
        sync: (_, sync) => {
          // On a thread, behind the answer; what comes of it nobody hears.
          setImmediate(() => void Promise.resolve(sync()).catch(() => {}));
        },
      }),
    ),
};

export const someSyncsLeftOut: WrongCopy = {
  name: 'some-syncs',
  says: '2 % of the syncs are left out',
  needs: null,
  harmlessOn: [],
  around: (environment) => {
    const random = new Random(Math.floor(environment.now() * 1000));
    return always(
      hooked(environment, {
        open: (options) => ({ ...options, dataSync: false }),
        sync: (_, sync) => (random.chance(0.02) ? undefined : sync()),
      }),
    );
  },
};
