import { entryRecordBytes } from '../../format/raft-records.js';
import type { SegmentedLog } from '../../wal/inside.js';
import type { Entry } from '../contract.js';
import { judgeSave } from '../rules/judge-save.js';
import { readSave } from '../rules/requests.js';
import { AcceptedState } from './accepted-state.js';
import type { DurableState } from './durable-state.js';
import { draftSave } from './encode-save.js';
import { FrameQueue } from './frame-queue.js';

/** About how many bytes of entries one frame holds, and at most this share of a segment: a millisecond's work. */
const FRAME_BYTES = 256 * 1024;
const FRAME_SHARE = 1 / 8;

/**
 * Saves the entries of an old log again, in the one that is built beside it: in order, whole frames at a time, in bounded
 * memory. Resolved: they are durable. Rejects with what reading or saving them does.
 */
export async function refill(
  log: SegmentedLog,
  durable: DurableState,
  segmentBytes: number,
  chunks: AsyncIterable<readonly Entry[]>,
  frameBytesMax: number = FRAME_BYTES,
): Promise<void> {
  const accepted = new AcceptedState(durable, (index) => log.checksumOf(index));
  const queue = new FrameQueue(log, durable, accepted);
  const frameBytes = Math.min(frameBytesMax, segmentBytes * FRAME_SHARE);
  let waiting: Entry[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    // The interlocks were the old log's: a host that keeps its hard state elsewhere may have had none.
    const plan = judgeSave(accepted, readSave({ entries: waiting }), { checks: 'off' });
    waiting = [];
    bytes = 0;
    if (!plan.isEmpty) await queue.accept(draftSave(accepted, plan));
  };
  for await (const chunk of chunks) {
    for (const entry of chunk) {
      waiting.push(entry);
      // Empty entries take room too, and memory: a frame of nothing else must end.
      bytes += entryRecordBytes(0, entry.data.length);
      if (bytes >= frameBytes) await flush();
    }
  }
  await flush();
}
