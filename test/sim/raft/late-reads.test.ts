// At stake: entries that a disk was slow to read, and that are no longer what was asked for when they come: replaced,
// compacted away or behind a snapshot. Tried on one server whose reads the test answers, late.
import { describe, expect, test } from 'vitest';

import { encodeConfiguration, type LogRead, type Message } from '../../../sim/raft/index.js';
import { append, entry, Solo } from './harness/solo.js';

/** What `from` says that holds nothing behind an entry. */
function refuses(term: number, index: number, hint: readonly [index: number, term: number]): Message {
  const rejected = { hintIndex: hint[0], hintTerm: hint[1] };
  return { type: 'append-response', from: 'n3', to: 'n1', term, index, rejected };
}

/** The one read that is asked for now, taken from the host so that it waits. */
function readOf(solo: Solo): LogRead {
  const [read] = solo.raft.ready().reads;
  if (read === undefined) throw new Error('nothing is to be read');
  return read;
}

describe('entries that are read late', () => {
  test('are not applied where a snapshot came first', () => {
    const solo = new Solo({ logTerms: [1, 1, 1], commit: 3 });
    const read = readOf(solo);
    const entries = solo.disk.entries(read.from, read.until);
    const conf = encodeConfiguration({ voters: ['n1', 'n2', 'n3'], learners: [] });
    const snapshot = { index: 5, term: 1, conf };
    const data = new Uint8Array(4);
    solo.hear({
      type: 'snapshot-chunk',
      from: 'n2',
      to: 'n1',
      term: 2,
      snapshot,
      offset: 0,
      data,
      isLast: true,
    });
    solo.raft.entriesRead(read, entries);
    solo.hear(append('n2', 2, [5, 1], [2], 6));
    expect(solo.applied.map(({ index }) => index)).toEqual([6]);
    expect(solo.raft.status.applied).toBe(6);
  });

  test('are not sent by the leader of a later term', () => {
    const solo = new Solo({ logTerms: [1, 1, 1], recentBytesMax: 1 });
    solo.win('n2');
    solo.raft.step(refuses(2, 3, [0, 0]));
    const read = readOf(solo);
    expect(read).toMatchObject({ to: 'n3', from: 1 });
    const replaced = solo.disk.entries(1, 4);
    solo.hear(append('n2', 3, [0, 0], [3, 3, 3]));
    solo.win('n2');
    solo.raft.step(refuses(4, 3, [0, 0]));
    expect(readOf(solo)).toMatchObject({ to: 'n3', from: 1, term: 4 });
    solo.raft.entriesRead(read, replaced);
    expect(solo.take()).toEqual([]);
  });

  test('are not sent behind an entry that was compacted away meanwhile', () => {
    const solo = new Solo({ logTerms: [1, 1, 1], commit: 3 });
    solo.settle();
    solo.win('n2');
    solo.raft.step(refuses(2, 3, [1, 1]));
    const read = readOf(solo);
    expect(read).toMatchObject({ to: 'n3', from: 2 });
    solo.compact(3);
    solo.raft.entriesRead(read, [entry(2, 1), entry(3, 1)]);
    const { messages, snapshotReads } = solo.raft.ready();
    expect(messages).toEqual([]);
    expect(snapshotReads).toMatchObject([{ to: 'n3', offset: 0 }]);
  });
});
