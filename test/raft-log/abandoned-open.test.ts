/**
 * Who gives up an open must not wait until the whole log is read, nor find the store locked by a log that nobody has. A
 * signal aborts at some read of a long tail, of sealed segments that are read through, and between hundreds of segments,
 * and the calls behind it are counted; so too of a checkpoint, which is opened to be cloned.
 */
import { expect, test } from 'vitest';
import { cloneRaftLog } from '../../src/raft-log/copies/clone-raft-log.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { entriesFrom, simulated } from './scratch-log.js';

type World = ReturnType<typeof simulated>;

/** Begins with a signal that aborts at a call; how many calls that it counts came behind. */
async function abandoned(
  { disk }: World,
  begin: (signal: AbortSignal) => Promise<unknown>,
  counts: (call: { readonly kind: string; readonly path: string }) => boolean,
  atOnce: { readonly nth: number; readonly how: (abort: () => void) => void },
): Promise<number> {
  const controller = new AbortController();
  let [seen, behind] = [0, 0];
  disk.onCall = (call) => {
    if (!counts(call)) return undefined;
    seen += 1;
    if (controller.signal.aborted) behind += 1;
    if (seen === atOnce.nth)
      atOnce.how(() => {
        controller.abort(new Error('given up'));
      });
    return undefined;
  };
  await expect(begin(controller.signal)).rejects.toMatchObject({
    code: 'KEELSON_ABORTED',
    cause: { message: 'given up' },
  });
  disk.onCall = null;
  return behind;
}

const now = (abort: () => void): void => {
  abort();
};
const isReadOfSegment = ({ kind, path }: { readonly kind: string; readonly path: string }): boolean =>
  kind === 'read' && path.endsWith('.wal');

test.each([
  ['a long tail', 16 * 1024 * 1024, 8 * 1024 * 1024, 'tail'],
  ['sealed segments that are read through', 65_536, 1024 * 1024, 'all'],
] as const)('of %s nothing more is read', async (_, segmentBytes, bytes, verifyOnOpen) => {
  const world = simulated();
  await world.disk.run(async () => {
    const log = await world.open({ segmentBytes });
    await log.setHardState({ term: 1 });
    for (let from = 1; from * 16_384 <= bytes; from += 2) await log.append(entriesFrom(from, 2, 1, 16_384));
    const { lastIndex } = log;
    await log.close();
    for (const readOnly of [false, true]) {
      const open = (signal: AbortSignal): Promise<unknown> =>
        world.open({ segmentBytes, verifyOnOpen, readOnly, signal });
      const behind = await abandoned(world, open, isReadOfSegment, { nth: 5, how: now });
      // The small reads of the segment that it was at: its header and its seal.
      expect(behind).toBeLessThanOrEqual(verifyOnOpen === 'all' ? 3 : 0);
    }
    const again = await world.open({ segmentBytes, verifyOnOpen });
    expect(again.lastIndex).toBe(lastIndex);
    await again.close();
  });
});

test('of a checkpoint that is opened to be cloned nothing more is read', async () => {
  const world = simulated();
  const { environment } = world.disk;
  await world.disk.run(async () => {
    const log = await world.open({ segmentBytes: 16 * 1024 * 1024 });
    await log.setHardState({ term: 1 });
    for (let from = 1; from <= 500; from += 2) await log.append(entriesFrom(from, 2, 1, 16_384));
    await log.checkpoint({ scope: 'durable', to: '/data/copy' });
    await log.close();
    const clone = (signal?: AbortSignal): Promise<unknown> =>
      cloneRaftLog('/data/copy', {
        to: '/data/clone',
        identity: 'same',
        environment,
        ...(signal && { signal }),
      });
    expect(await abandoned(world, clone, isReadOfSegment, { nth: 5, how: now })).toBe(0);
    await clone();
    const again = await openRaftLog({ dir: '/data/clone', environment });
    expect(again.lastIndex).toBe(500);
    await again.close();
  });
});

test('of many sealed segments, which are read inline, the loop turns now and then, and a signal comes through', async () => {
  const world = simulated({ profile: { calls: 'inline' } });
  await world.disk.run(async () => {
    const log = await world.open({ segmentBytes: 4096 });
    await log.setHardState({ term: 1 });
    for (let index = 1; index <= 400; index += 1) await log.append(entriesFrom(index, 1, 1, 3000));
    expect(log.stats().segmentsLive).toBeGreaterThan(200);
    await log.close();
    const isOpen = ({ kind, path }: { readonly kind: string; readonly path: string }): boolean =>
      kind === 'open' && path.endsWith('.wal');
    let opens = 0;
    const counted = (call: { readonly kind: string; readonly path: string }): boolean => {
      if (isOpen(call)) opens += 1;
      return isOpen(call);
    };
    const how = (abort: () => void): void => {
      world.disk.environment.setTimer(0, abort);
    };
    const open = (signal: AbortSignal): Promise<unknown> =>
      world.open({ segmentBytes: 4096, readOnly: true, signal });
    await abandoned(world, open, counted, { nth: 1, how });
    expect(opens).toBeLessThan(150);
    const again = await world.open({ segmentBytes: 4096 });
    expect(again.lastIndex).toBe(400);
    await again.close();
  });
});
