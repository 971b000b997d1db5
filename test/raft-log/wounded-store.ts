import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { bytesOf, dataOf, entriesFrom, simulated } from './scratch-log.js';

export const DIR = '/data/log';

/** How the store that is going to be hurt has lived. */
export interface Life {
  /** Ends with `close`; else its process is killed some time after its last save. */
  readonly isClosed: boolean;
  /** A snapshot in the middle, the entries below it kept. */
  readonly hasSnapshot?: boolean;
  /** And compacted. */
  readonly isCompacted?: boolean;
}

/** A log of a few small segments on a simulated disk: 24 entries of two terms, the commit following, votes in between. */
export async function storeOf({
  isClosed,
  hasSnapshot = false,
  isCompacted = false,
}: Life): Promise<SimulatedDisk> {
  const { disk } = simulated({ profile: { calls: 'inline' } });
  await disk.run(async (environment) => {
    const log = await openRaftLog({ dir: DIR, segmentBytes: 4096, environment });
    for (let index = 1; index <= 24; index += 3) {
      const term = index < 13 ? 1 : 3;
      await log.save({ hardState: { term, vote: `n${term}` }, entries: entriesFrom(index, 3, term, 300) });
      await log.setHardState({ commit: index });
      if (hasSnapshot && index === 13)
        await log.createSnapshot({ index: 12, conf: Uint8Array.of(1), data: dataOf(12, 1, 700) });
    }
    if (isCompacted) await log.compact(10);
    // Until the end mark has landed (D12).
    await new Promise<void>((resolve) => environment.setTimer(200, resolve));
    if (isClosed) await log.close();
  });
  if (!isClosed) disk.crash('kill');
  return disk;
}

/** What an open that reads everything, and the reads after it, say: null, or the code of the damage. */
export async function openingOf(disk: SimulatedDisk): Promise<string | null> {
  let log: RaftLog | null = null;
  try {
    const options = { dir: DIR, readOnly: true, verifyOnOpen: 'all', environment: disk.environment } as const;
    log = await openRaftLog(options);
    let read = log.firstIndex;
    for await (const { index } of log.stream(log.firstIndex, log.lastIndex + 1)) read = index;
    if (read < log.lastIndex) throw new Error('the stream ended early');
    const snapshot = await log.openSnapshot();
    if (snapshot !== null) await bytesOf(snapshot.data);
    return null;
  } catch (error) {
    return (error as { readonly code: string }).code;
  } finally {
    await log?.close();
  }
}

/** The files of the store that mean something, quarantine left out. */
export function filesOf(disk: SimulatedDisk): readonly string[] {
  return disk.list().filter((path) => path.startsWith(DIR) && !path.includes('quarantine'));
}
