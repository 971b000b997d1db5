/**
 * Any call of the disk may fail, once: what was acknowledged stays, what failed is told by its code, and reopening
 * decides the rest. Every call of a life fails with every code that it can fail with, and the world crashes right
 * behind it and at the end.
 */
import { expect, test } from 'vitest';
import type { CrashKind } from '../../sim/disk/calls/call-kinds.js';
import {
  type Beginning,
  beginningsOf,
  CRASH_KINDS,
  describing,
  newImages,
} from '../crash/crash-everywhere.js';
import { failAt, failuresOf, type Failure } from '../crash/fail-everywhere.js';
import { walSubject } from './wal-life.js';
import type { WalMemory } from './wal-memory.js';

const isDeep = process.env['KEELSON_DEEP'] === '1';

/** What the seed draws of a disk differs between so many; within one, most failures of looks lead to what others left. */
const WORLDS = isDeep ? 1000 : 3;

/** Directories whose name a failed sync of the one above may have left in the cache alone: no store can renew it. */
const ABOVE = '/data';

test.each(['inline', 'background'] as const)('every call of a life fails once, %s', async (calls) => {
  const subject = walSubject(4096);
  const begun = new Map<number, ReturnType<typeof beginningsOf<WalMemory>>>();
  const beginningAt = async (at: number, life: number): Promise<Beginning<WalMemory>> => {
    const seed = at % WORLDS;
    const known =
      begun.get(seed) ?? beginningsOf(subject, { seed, profile: { calls }, directories: ['/data'] });
    begun.set(seed, known);
    return (await known)[life] as Beginning<WalMemory>;
  };
  const failures: (Failure & { readonly life: number })[] = [];
  for (const life of subject.lives.keys())
    for (const failure of await failuresOf(subject, await beginningAt(1, life)))
      if (failure.path !== ABOVE) failures.push({ ...failure, life });
  expect(failures.length).toBeGreaterThan(500);
  const isNew = newImages();
  // The two modes share the failures between them, unless there is time for all; of looks, which are many and change
  // nothing, a third.
  const turn = calls === 'inline' ? 0 : 1;
  for (const [at, failure] of failures.entries()) {
    const { call, kind, path, code, life, isLook } = failure;
    const portion = isLook ? 6 : 2;
    if (!isDeep && at % portion !== turn) continue;
    const kinds = isDeep ? CRASH_KINDS : [CRASH_KINDS[call % 3] as CrashKind];
    await describing(`seed ${at % WORLDS}, ${code} of ${kind} ${path}, call ${call}`, async () =>
      failAt(subject, await beginningAt(at, life), failure, kinds, isNew),
    );
  }
});
