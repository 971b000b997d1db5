// At stake: what tells whose code a call comes out of costs every promise of the process something, and must not go on
// where a disk hangs. A piece is taken that is never written, and a promise is looked at for what that leaves on it.
import { expect, test } from 'vitest';
import { isInsideDataOf } from '../../src/snapshot/inside-data.js';
import { pullData } from '../../src/snapshot/pull-data.js';

/** Node writes into each new promise whose code made it, as long as anybody wants to know. */
async function isFollowed(): Promise<boolean> {
  await new Promise((resolve) => setImmediate(resolve));
  return Object.getOwnPropertySymbols(Promise.resolve().then(() => undefined)).length > 0;
}

test('promises are followed while the host brings a piece, and not while the disk takes it', async () => {
  expect(await isFollowed()).toBe(false);
  const owner = {};
  const seen: unknown[] = [];
  async function* data(): AsyncGenerator<Uint8Array, void> {
    seen.push(isInsideDataOf(owner), isInsideDataOf({}), await isFollowed(), isInsideDataOf(owner));
    yield Uint8Array.of(1);
  }
  await new Promise<void>((taken) => {
    const take = (): Promise<void> => {
      taken();
      return new Promise(() => undefined);
    };
    void pullData({ data: data(), owner, environment: { endOfTurn: setImmediate }, take });
  });
  expect(seen).toEqual([true, false, true, true]);
  expect(isInsideDataOf(owner)).toBe(false);
  expect(await isFollowed()).toBe(false);
});
