/**
 * Reads go on while the log is rewritten, compacted and recycled under them, and must never return an entry that the
 * log did not hold, nor two halves of different logs. Reads are raced with such changes on a simulated disk, in many
 * orders, and from a second log that only reads.
 */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isKeelsonError } from '../../src/errors/index.js';
import type { Entry, RaftLog } from '../../src/raft-log/contract.js';
import { bytesOf, dataOf, entriesFrom, openLog, scratch, simulated } from './scratch-log.js';

const SEEDS = process.env['KEELSON_DEEP'] === '1' ? 150 : 15;
const CONF = Uint8Array.of(9);

/** Every entry is one that was saved, indexes join, and terms never fall: the entries of one log. */
function expectOneLog(entries: readonly Entry[], from: number, size: number): void {
  let term = 0;
  entries.forEach((entry, at) => {
    expect(entry.index).toBe(from + at);
    expect(entry.term).toBeGreaterThanOrEqual(term);
    expect(entry.data).toEqual(dataOf(entry.index, entry.term, size));
    term = entry.term;
  });
}

describe('beside a conflict', () => {
  test('no read returns the beginning of one log and the end of another', async () => {
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const { disk, open } = simulated({ seed });
      await disk.run(async () => {
        const log = await open();
        const size = 700;
        await log.setHardState({ term: 9 });
        // In many segments, so that a read takes several looks at the disk.
        for (let from = 1; from <= 40; from += 8) await log.append(entriesFrom(from, 8, 1, size));
        // One look at the disk takes so long that the conflict is durable before the next.
        let looks = 0;
        disk.onCall = ({ kind, path }) =>
          kind === 'read' && path.endsWith('.wal') && looks++ === 6 + (seed % 30)
            ? { fault: 'slow' }
            : undefined;
        // A follower whose log is replaced from 10 on by another leader's: term 2 nowhere stands behind term 1 at 20.
        const reads = [log.entries(1, 41), log.accepted.entries(1, 41), log.entries(5, 31)];
        const saved = log.append(entriesFrom(10 + (seed % 7), 40, 2, size));
        reads.push(log.accepted.entries(1, 41), log.entries(3, 41));
        for (const [at, read] of reads.entries()) {
          const entries = await read;
          const from = [1, 1, 5, 1, 3][at] as number;
          expectOneLog(entries, from, size);
          const change = entries.find(({ term }) => term === 2);
          if (change !== undefined) expect(change.index).toBe(10 + (seed % 7));
        }
        await saved;
        await log.close();
      });
    }
  });

  test('the accepted view shows a conflict that is queued behind what it replaces', async () => {
    const { disk, open } = simulated();
    await disk.run(async () => {
      const log = await open();
      const first = log.save({ entries: entriesFrom(1, 8), hardState: { term: 5 } });
      const second = log.append(entriesFrom(5, 2, 2));
      const third = log.append(entriesFrom(7, 2, 3));
      const { accepted } = log;
      expect(accepted).toMatchObject({ lastIndex: 8, lastTerm: 3, hardState: { term: 5 } });
      const terms = (await accepted.entries(1, 9)).map(({ index, term }) => [
        index,
        term,
        accepted.term(index),
      ]);
      expect(terms).toEqual([1, 1, 1, 1, 2, 2, 3, 3].map((term, at) => [at + 1, term, term]));
      expect(log.lastIndex).toBe(0);
      const cut = log.truncateFrom(4);
      expect((await accepted.entries(1, 4)).map(({ term }) => term)).toEqual([1, 1, 1]);
      await expect(accepted.entries(1, 5)).rejects.toMatchObject({ code: 'KEELSON_UNAVAILABLE' });
      await Promise.all([first, second, third, cut]);
      expect(log.lastIndex).toBe(3);
      await log.close();
    });
  });

  test('a stream whose yielded entries were replaced ends with KEELSON_UNAVAILABLE', async () => {
    const { disk, open } = simulated();
    await disk.run(async () => {
      const log = await open();
      await log.setHardState({ term: 3 });
      for (let from = 1; from <= 40; from += 8) await log.append(entriesFrom(from, 8, 1, 700));
      const seen: Entry[] = [];
      const streamed = (async () => {
        for await (const entry of log.stream(1, 41)) {
          seen.push(entry);
          if (entry.index === 1) await log.append(entriesFrom(2, 40, 2, 700));
        }
      })();
      await expect(streamed).rejects.toMatchObject({ code: 'KEELSON_UNAVAILABLE' });
      expectOneLog(seen, 1, 700);
      // Not the rest of the chunk either: how far it reads ahead is no matter of its reader's.
      expect(seen).toHaveLength(1);
      await log.close();
    });
  });

  test('a stream goes on where a conflict has replaced only what it has not read yet', async () => {
    const { disk, open } = simulated();
    await disk.run(async () => {
      const log = await open({ segmentBytes: 4096 });
      await log.setHardState({ term: 2 });
      for (let from = 1; from <= 60; from += 4) await log.append(entriesFrom(from, 4, 1, 300));
      const seen: Entry[] = [];
      for await (const entry of log.stream(1, 61)) {
        seen.push(entry);
        if (entry.index === 1) await log.append(entriesFrom(50, 11, 2, 300));
      }
      expectOneLog(seen, 1, 300);
      expect(seen).toHaveLength(60);
      await log.close();
    });
  });

  test("a stream shows nothing more of a log that a leader's snapshot has replaced", async () => {
    const { disk, open } = simulated();
    await disk.run(async () => {
      const log = await open();
      await log.save({ hardState: { term: 2 }, entries: entriesFrom(1, 8, 1, 300) });
      const seen: number[] = [];
      const streamed = (async () => {
        for await (const { index } of log.stream(1, 9)) {
          seen.push(index);
          if (index === 1) await log.installSnapshot({ index: 20, term: 2, conf: CONF, data: CONF });
        }
      })();
      await expect(streamed).rejects.toMatchObject({ code: 'KEELSON_UNAVAILABLE' });
      expect(seen).toEqual([1]);
      await log.close();
    });
  });
});

describe('what was read ahead', () => {
  test('is read again where a conflict has replaced it before it was handed out', async () => {
    const { disk, open } = simulated();
    await disk.run(async () => {
      const log = await open({ segmentBytes: 4096 });
      await log.setHardState({ term: 2 });
      for (let from = 1; from <= 60; from += 4) await log.append(entriesFrom(from, 4, 1, 300));
      const seen: Entry[] = [];
      let cutFrom = 0;
      for await (const chunk of log.streamChunks(1, 61)) {
        seen.push(...chunk);
        if (cutFrom > 0) continue;
        // Time enough for the next chunk to be there, of what is then replaced.
        await log.entries(50, 61);
        cutFrom = seen.length + 2;
        await log.append(entriesFrom(cutFrom, 61 - cutFrom, 2, 300));
      }
      expectOneLog(seen, 1, 300);
      expect(seen).toHaveLength(60);
      expect(seen.find(({ term }) => term === 2)?.index).toBe(cutFrom);
      await log.close();
    });
  });

  test('is let go with a stream that is left, and no file stays open', async () => {
    const { disk, open } = simulated();
    await disk.run(async () => {
      const log = await open({ segmentBytes: 4096 });
      await log.save({ hardState: { term: 1 } });
      for (let from = 1; from <= 60; from += 4) await log.append(entriesFrom(from, 4, 1, 300));
      for await (const entry of log.stream(1, 61)) if (entry.index === 2) break;
      await log.close();
      expect(disk.process.openFileCount).toBe(0);
    });
  });
});

describe('what is in memory', () => {
  test('is read without the disk, in both views; after an open nothing is', async () => {
    const { disk, open } = simulated();
    await disk.run(async () => {
      const log = await open();
      await log.save({ entries: entriesFrom(1, 20, 1, 300), hardState: { term: 1 } });
      let reads = 0;
      disk.onCall = ({ kind, path }) => {
        if (kind === 'read' && path.endsWith('.wal')) reads += 1;
        return undefined;
      };
      const queued = log.append(entriesFrom(21, 5, 1, 300));
      expectOneLog(log.accepted.entriesInMemory(1, 26) ?? [], 1, 300);
      expect(log.accepted.entriesInMemory(1, 26, { bytesMax: 6600 })).toHaveLength(22);
      expectOneLog(log.entriesInMemory(1, 21) ?? [], 1, 300);
      await queued;
      expect(log.entriesInMemory(1, 26)).toHaveLength(25);
      expect(reads).toBe(0);
      expectOneLog(await log.entries(1, 26), 1, 300);
      expect(reads).toBeGreaterThan(0);
      await log.close();
      const again = await open();
      expect(again.entriesInMemory(1, 26)).toBeNull();
      expect(again.accepted.entriesInMemory(25, 26)).toBeNull();
      await again.append(entriesFrom(26, 1, 1, 300));
      expect(again.entriesInMemory(26, 27)).toHaveLength(1);
      expect(again.entriesInMemory(25, 27)).toBeNull();
      await again.close();
    });
  });
});

describe('beside compaction', () => {
  test('a stream goes on or says KEELSON_COMPACTED, with no wrong byte', async () => {
    let goneOn = 0;
    let compacted = 0;
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const { disk, open } = simulated({ seed });
      await disk.run(async () => {
        const log = await open({ segmentBytes: 4096 });
        await log.save({ hardState: { term: 1 } });
        for (let from = 1; from <= 60; from += 4) await log.append(entriesFrom(from, 4, 1, 300));
        await log.createSnapshot({ index: 50, conf: CONF, data: CONF });
        const seen: Entry[] = [];
        const streamed = (async () => {
          for await (const entry of log.stream(1, 61)) {
            seen.push(entry);
            // A reader that takes its time, some more than others.
            if (entry.index % (1 + (seed % 9)) !== 0) continue;
            for (let pauses = (seed % 3) * 12; pauses >= 0; pauses -= 1) await log.entries(60, 61);
          }
        })();
        const changed = (async () => {
          for (let upTo = 10; upTo <= 50; upTo += 10) {
            await log.compact(upTo);
            await log.append(entriesFrom(log.lastIndex + 1, 4, 1, 300));
          }
        })();
        try {
          await streamed;
          goneOn += 1;
          expect(seen).toHaveLength(60);
        } catch (error) {
          if (!isKeelsonError(error, 'KEELSON_COMPACTED')) throw error;
          compacted += 1;
        }
        await changed;
        expectOneLog(seen, 1, 300);
        await log.close();
      });
    }
    expect(compacted + goneOn).toBe(SEEDS);
    expect(compacted).toBeGreaterThan(0);
  });
});

describe('beside close', () => {
  test('a read under way ends, or says KEELSON_CLOSED; no file stays open', async () => {
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const { disk, open } = simulated({ seed });
      await disk.run(async () => {
        const log = await open({ segmentBytes: 4096 });
        await log.save({ hardState: { term: 1 } });
        for (let from = 1; from <= 60; from += 4) await log.append(entriesFrom(from, 4, 1, 300));
        const read = log.entries(1, 61).then(
          (entries) => {
            expectOneLog(entries, 1, 300);
          },
          (error: unknown) => {
            expect(error).toMatchObject({ code: 'KEELSON_CLOSED' });
          },
        );
        const streamed = (async () => {
          for await (const entry of log.stream(1, 61))
            expect(entry.data).toEqual(dataOf(entry.index, 1, 300));
        })().catch((error: unknown) => {
          expect(error).toMatchObject({ code: 'KEELSON_CLOSED' });
        });
        await log.close();
        await Promise.all([read, streamed]);
        expect(disk.process.openFileCount).toBe(0);
      });
    }
  });
});

describe('what is read', () => {
  test('bytesMax stops before it is passed, and gives at least one', async () => {
    const log = await openLog(join(scratch(), 'log'));
    await log.save({ entries: entriesFrom(1, 30, 1, 100), hardState: { term: 1 } });
    const queued = log.append(entriesFrom(31, 30, 1, 100));
    for (const view of [log, log.accepted]) {
      for (const [bytesMax, count] of [
        [0, 1],
        [99, 1],
        [100, 1],
        [199, 1],
        [200, 2],
        [2999, 29],
        [Infinity, 30],
      ] as const)
        expect(await view.entries(1, 31, { bytesMax })).toHaveLength(count);
    }
    expect(await log.accepted.entries(29, 61, { bytesMax: 700 })).toHaveLength(7);
    expect(await log.accepted.entries(31, 61, { bytesMax: 700 })).toHaveLength(7);
    await queued;
  });

  test('bytes belong to the caller, on the way in and on the way out', async () => {
    const log = await openLog(join(scratch(), 'log'));
    const data = dataOf(1, 1);
    const conf = Uint8Array.of(1, 2, 3);
    const saved = log.save({ entries: [{ index: 1, term: 1, data }], hardState: { term: 1 } });
    data.fill(0);
    const [accepted] = await log.accepted.entries(1, 2);
    accepted?.data.fill(1);
    await saved;
    const taken = log.createSnapshot({ index: 1, conf, data: Uint8Array.of(5) });
    conf.fill(0);
    await taken;
    const [read] = await log.entries(1, 2);
    expect(read).toEqual({ index: 1, term: 1, kind: 0, data: dataOf(1, 1) });
    read?.data.fill(2);
    log.snapshot?.conf.fill(9);
    (await log.openSnapshot())?.meta.conf.fill(9);
    expect((await log.entries(1, 2))[0]?.data).toEqual(dataOf(1, 1));
    expect(log.snapshot?.conf).toEqual(Uint8Array.of(1, 2, 3));
  });
});

describe('a log that only reads, beside the writer', () => {
  /** Reads all that a fresh reader shows; answers how far it reached. */
  async function readAll(log: RaftLog): Promise<void> {
    try {
      expectOneLog(await log.entries(log.firstIndex, log.lastIndex + 1), log.firstIndex, 300);
      const opened = await log.openSnapshot();
      if (opened !== null) expect(await bytesOf(opened.data)).toEqual(dataOf(opened.meta.index, 1));
    } catch (error) {
      // What it showed may be recycled by the time it is read; that is said by name, and never taken for damage.
      if (!isKeelsonError(error, 'KEELSON_COMPACTED')) throw error;
    }
  }

  test('shows nothing that the writer has not made durable, and no error while it rotates, compacts and recycles', async () => {
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const { disk, open } = simulated({ seed });
      await disk.run(async () => {
        const log = await open({ segmentBytes: 4096, snapshotsKept: 1 });
        await log.save({ hardState: { term: 1 } });
        let isDone = false;
        const wrote = (async () => {
          for (let round = 1; round <= 12; round += 1) {
            await log.append(entriesFrom(log.lastIndex + 1, 4, 1, 300));
            await log.append(entriesFrom(log.lastIndex + 1, 4, 1, 300));
            const index = log.lastIndex - 3;
            await log.createSnapshot({ index, conf: CONF, data: dataOf(index, 1) });
            await log.compact(index - 2);
          }
          isDone = true;
        })();
        while (!isDone) {
          const before = log.lastIndex;
          const reader = await open({ readOnly: true });
          expect(reader.status).toBe('read-only');
          expect(reader.lastIndex).toBeLessThanOrEqual(log.accepted.lastIndex);
          expect(before).toBeLessThanOrEqual(log.lastIndex);
          await readAll(reader);
          await reader.close();
        }
        await wrote;
        await log.close();
      });
    }
  });
});
