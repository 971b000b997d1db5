// A host is tested against the log in memory and runs on a disk: where one takes what the other refuses, its tests lie.
// The same saves, sizes at the limits among them, are given to both, and each must end the same, LSNs and errors included.
import { describe, expect, it } from 'vitest';
import { createSimulatedDisk } from '../../sim/disk/simulated-disk.js';
import type { Entry, RaftLog, SaveRequest } from '../../src/raft-log/contract.js';
import { createMemoryRaftLog } from '../../src/raft-log/memory/memory-raft-log.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';

const LIMITS = { batchBytesMax: 1000, queueBytesMax: 3000 };
const entry = (index: number, term: number, bytes = 3): Entry => ({
  index,
  term,
  data: new Uint8Array(bytes).fill(index),
});

/** What a call came to. */
async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call;
  } catch (error) {
    const { code, message, details } = error as { code: string; message: string; details: object };
    return { code, message, details };
  }
}

const SAVES: readonly SaveRequest[] = [
  {},
  { hardState: { term: 5, vote: 'a' } },
  { entries: [entry(1, 1), entry(2, 1), entry(3, 2)], hardState: { commit: 1 } },
  { entries: [entry(2, 1), entry(3, 2)] },
  { truncateFrom: 3, hardState: { term: 6 } },
  { truncateFrom: 2, entries: [entry(2, 3)] },
  { entries: [entry(2, 4), entry(3, 5)] },
  { entries: [{ ...entry(3, 5), kind: 9 }] },
  { truncateFrom: 4 },
  // One record header, a term's distance and a kind around the data: 989 bytes fit, 990 do not.
  { entries: [entry(4, 6, 989)] },
  { entries: [entry(5, 6, 990)] },
  { entries: [entry(5, 6, 970)], hardState: { commit: 5 } },
  { entries: [entry(5, 6, 950)], hardState: { commit: 5 } },
];

/** Saves that wait together until the queue is full. */
const BURST: readonly SaveRequest[] = [
  { entries: [entry(6, 6, 900)] },
  { entries: [entry(7, 6, 900)] },
  {},
  { entries: [entry(8, 6, 900)] },
  { entries: [entry(9, 6, 900)] },
  { hardState: { commit: 6 } },
];

async function tell(log: RaftLog): Promise<unknown[]> {
  const told: unknown[] = [];
  for (const save of SAVES) told.push(await outcomeOf(log.save(save)));
  told.push(...(await Promise.all(BURST.map((save) => outcomeOf(log.save(save))))));
  const { saves, entries, payloadBytes, queuedSaves, queuedBytes } = log.stats();
  told.push({ saves, entries, payloadBytes, queuedSaves, queuedBytes });
  await log.close();
  return told;
}

describe('the log in memory', () => {
  it('takes, numbers, counts and refuses as the log on a disk does', async () => {
    const { environment } = createSimulatedDisk({ seed: 1, directories: ['/data'] });
    const disk = await openRaftLog({ dir: '/data/log', segmentBytes: 65_536, environment, ...LIMITS });
    const expected = await tell(disk);
    expect(await tell(createMemoryRaftLog(LIMITS))).toEqual(expected);
    const codes = expected.map((one) => (one as { code?: string }).code);
    expect(codes).toContain('KEELSON_TOO_LARGE');
    expect(codes).toContain('KEELSON_QUEUE_FULL');
    expect(codes).toContain('KEELSON_ENTRY_MISMATCH');
  });
});
