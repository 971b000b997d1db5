// At stake: of two end marks of one LSN only the younger says that its epoch began, and frames of the writer before it would
// pass for live without that (D11). The blocks stand in either order.
import { expect, test } from 'vitest';
import type { EndMark } from '../../src/format/end-mark.js';
import { newestMark } from '../../src/wal/store/marks-file.js';

function markOf(epoch: number, sequence: number): EndMark {
  return { lineage: new Uint8Array(16), epoch, sequence, lsn: 5, lastIndex: 4, lastTerm: 2 };
}

test.each([[1, 2] as const, [2, 1] as const])('of epochs %d and %d the younger counts', (one, other) => {
  const blocks = [markOf(one, 7), markOf(other, 8)];
  const file = { path: '/data/log/marks', state: 'whole' as const, blocks };
  expect(newestMark(file, { lineage: null, superblock: null })?.epoch).toBe(2);
});
