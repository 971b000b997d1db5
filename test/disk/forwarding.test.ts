/**
 * A disk or environment that stands before another and forgets an optional member of it takes that member away from all
 * behind it, and nothing fails. So none may be forgotten: each member of the port is called through all that stand before.
 */
import { expect, test } from 'vitest';
import { DiskWatch } from '../../src/disk/disk-watch.js';
import type { Environment, EnvironmentWarning } from '../../src/disk/environment.js';
import { holdingNames } from '../../src/disk/held-disk.js';
import { NodeDisk, nodeEnvironment } from '../../src/disk/index.js';
import { scratchDirectory } from './scratch-directory.js';

const given = nodeEnvironment();

const STANDS_BEFORE: Readonly<Record<string, (environment: Environment) => Environment>> = {
  'the one that holds names': holdingNames,
  'the one that watches calls': (environment) => new DiskWatch(environment, () => undefined).environment,
};

test.each(Object.entries(STANDS_BEFORE))(
  '%s has all that a disk and an environment can have',
  (_name, before) => {
    const environment = before(given);
    for (const member of Object.getOwnPropertyNames(NodeDisk.prototype))
      expect(typeof Reflect.get(environment.disk, member), member).toBe('function');
    for (const member of Object.keys(given)) expect(Reflect.get(environment, member), member).toBeDefined();
  },
);

test.each(Object.entries(STANDS_BEFORE))('%s passes on what is optional', async (_name, before) => {
  const warnings: EnvironmentWarning[] = [];
  const warned = before({ ...given, warn: (warning) => warnings.push(warning) });
  const warning = { code: 'KEELSON_LISTENER', message: 'a listener failed', detail: '' };
  warned.warn?.(warning);
  expect(warnings).toEqual([warning]);
  const dir = scratchDirectory();
  expect((await before(given).disk.stat(dir))?.allocatedBytes).toBeGreaterThanOrEqual(0);
  expect(await before(given).disk.statfs(dir)).toHaveProperty('totalBytes');
});
