// At stake: a follower that crashed while it was being sent a snapshot must get the whole of it, though an answer of its
// earlier life arrives late. A transfer is told what both lives say, and must come back to what the living one wants.
import { describe, expect, test } from 'vitest';

import { SnapshotTransfer } from '../../../sim/raft/snapshots/snapshot-transfer.js';

const HEAD = { index: 7, term: 2, conf: new Uint8Array() };

/** Reads and sends pieces of 10 bytes as long as the transfer asks for some, up to 100. */
function readOn(transfer: SnapshotTransfer): number[] {
  const sent: number[] = [];
  for (let offset = transfer.nextReadOffset; offset !== null; offset = transfer.nextReadOffset) {
    const piece = transfer.read({ snapshot: HEAD, offset, data: new Uint8Array(10), isLast: offset === 90 });
    if (piece !== null) sent.push(piece.offset);
  }
  return sent;
}

describe('a snapshot on its way', () => {
  test('is sent again from the start to a follower that lacks what an earlier life of it had', () => {
    const transfer = new SnapshotTransfer(2);
    expect(readOn(transfer)).toEqual([0, 10]);
    for (let wanted = 10; wanted <= 60; wanted += 10) {
      transfer.answered(wanted);
      readOn(transfer);
    }
    // The follower restarts and says so; then an answer of its earlier life comes late.
    transfer.answered(0);
    expect(readOn(transfer)).toEqual([0, 10]);
    transfer.answered(70);
    readOn(transfer);
    const sent: number[] = [];
    for (let heartbeat = 0; heartbeat < 8; heartbeat += 1) {
      sent.push(...transfer.heartbeatAnswered().map(({ offset }) => offset));
      sent.push(...readOn(transfer));
      if (sent.includes(20)) break;
      transfer.answered(20);
      sent.push(...readOn(transfer));
    }
    expect(sent).toContain(20);
  });

  test('goes on undisturbed by an answer that was overtaken', () => {
    const transfer = new SnapshotTransfer(2);
    readOn(transfer);
    transfer.answered(20);
    expect(readOn(transfer)).toEqual([20, 30]);
    transfer.answered(10);
    transfer.heartbeatAnswered();
    transfer.answered(30);
    for (let heartbeat = 0; heartbeat < 5; heartbeat += 1) transfer.heartbeatAnswered();
    expect(readOn(transfer)).toEqual([40]);
  });
});
