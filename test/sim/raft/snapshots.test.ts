// At stake: a follower that is given half a snapshot, or two halves of two, or one that it acknowledged and then forgot
// (Raft paper §7, figure 13). Tried on one server as sender and as receiver.
import { describe, expect, test } from 'vitest';

import {
  encodeConfiguration,
  ENTRY_KIND,
  type Message,
  type Ready,
  type SnapshotRead,
} from '../../../sim/raft/index.js';
import { append, holds, Solo } from './harness/solo.js';

const conf = encodeConfiguration({ voters: ['n1', 'n2', 'n3'], learners: [] });
const snapshot = { index: 5, term: 1, conf };

function chunk(offset: number, isLast: boolean, index = 5): Message {
  const data = new Uint8Array(4).fill(offset);
  const head = { ...snapshot, index };
  return { type: 'snapshot-chunk', from: 'n2', to: 'n1', term: 2, snapshot: head, offset, data, isLast };
}

describe('receiving', () => {
  test('pieces are handed over in order, and each is answered with what is wanted next', () => {
    const solo = new Solo();
    expect(solo.hear(chunk(4, false))).toMatchObject([{ type: 'snapshot-response', offset: 0 }]);
    expect(solo.hear(chunk(0, false))).toMatchObject([{ offset: 4 }]);
    expect(solo.hear(chunk(0, false))).toMatchObject([{ offset: 4 }]);
    expect(solo.hear(chunk(8, true))).toMatchObject([{ offset: 4 }]);
    expect(solo.hear(chunk(4, false))).toMatchObject([{ offset: 8 }]);
    expect(solo.hear(chunk(8, true))).toMatchObject([{ type: 'append-response', index: 5 }]);
    expect(solo.disk.snapshot).toMatchObject({ index: 5, term: 1 });
    expect(solo.raft.status).toMatchObject({ applied: 5, commit: 5, firstIndex: 6, lastIndex: 5 });
  });

  test('is acknowledged only when it is durable, and nothing is saved beside it', () => {
    const solo = new Solo({ logTerms: [1, 1] });
    solo.raft.step(chunk(0, true));
    solo.take();
    expect(solo.pending.map(({ save }) => save.snapshot?.index)).toEqual([5]);
    solo.raft.step({ ...chunk(0, true), term: 3, from: 'n3' });
    expect(solo.take()).toEqual([]);
    expect(solo.pending).toHaveLength(1);
    expect(solo.raft.status.applied).toBe(0);
    expect(solo.finishSave()).toMatchObject([{ type: 'append-response', index: 5 }]);
    solo.settle();
    expect(solo.disk.hardState.term).toBe(3);
  });

  test('one that the log already leads up to replaces nothing', () => {
    const solo = new Solo({ logTerms: [1, 1, 1, 1, 1, 1] });
    expect(solo.hear(chunk(0, true))).toMatchObject([{ type: 'append-response', index: 5 }]);
    expect(solo.disk).toMatchObject({ snapshot: null, lastIndex: 6 });
    expect(solo.raft.status.commit).toBe(5);
  });

  test('a late one changes nothing', () => {
    const solo = new Solo({ logTerms: [1, 1, 1, 1, 1, 1], commit: 6 });
    expect(solo.hear(chunk(0, true))).toMatchObject([{ type: 'append-response', index: 6 }]);
  });

  test('pieces of two snapshots are never put together', () => {
    const solo = new Solo();
    solo.hear(chunk(0, false));
    expect(solo.hear(chunk(4, true, 6))).toMatchObject([{ snapshot: { index: 6 }, offset: 0 }]);
    expect(solo.disk.snapshot).toBeNull();
  });

  test('one whose save is refused is as if it had never come', () => {
    const solo = new Solo({ logTerms: [1, 1], commit: 1 });
    solo.settle();
    solo.raft.step(chunk(0, true));
    solo.take();
    solo.raft.storageFailed(solo.pending.at(-1)?.save.id ?? 0, 'refused');
    expect(solo.raft.status).toMatchObject({ firstIndex: 1, lastIndex: 2, commit: 1, applied: 1 });
    solo.pending = [];
    solo.raft.storageBack();
    solo.tick(1);
    expect(solo.disk.snapshot).toBeNull();
    expect(solo.hear(chunk(0, true))).toMatchObject([{ type: 'append-response', index: 5 }]);
  });

  test('a piece that was not handed over yet when a save was refused is asked for again', () => {
    const solo = new Solo();
    solo.raft.step(append('n3', 1, [0, 0], [1]));
    solo.take();
    solo.raft.step(chunk(0, false));
    solo.raft.storageFailed(1, 'refused');
    solo.pending = [];
    solo.raft.storageBack();
    expect(solo.hear(chunk(4, false))).toMatchObject([{ type: 'snapshot-response', offset: 0 }]);
  });

  test('a save that installs one says no more to be committed than it holds', () => {
    const solo = new Solo({ savesUnderWayMax: 1 });
    solo.raft.step(append('n2', 2, [0, 0], [1]));
    solo.take();
    solo.raft.step(chunk(0, true));
    solo.raft.step(append('n2', 2, [5, 1], [2], 6));
    solo.finishSave();
    solo.take();
    expect(solo.pending[0]?.save).toMatchObject({ snapshot: { index: 5 }, hardState: { commit: 5 } });
    solo.settle();
    expect(solo.raft.status).toMatchObject({ commit: 6, applied: 6, lastIndex: 6 });
  });

  test('a change of members that was being applied when one came in counts no more', () => {
    const solo = new Solo();
    const data = encodeConfiguration({ voters: ['n1', 'n2', 'n3', 'n4'], learners: [] });
    const change = { index: 1, term: 2, kind: ENTRY_KIND.configuration, data };
    const saveAll = (): void => {
      const { save } = solo.raft.ready();
      if (save === null) throw new Error('nothing is to be saved');
      solo.disk.save(save, null);
      solo.raft.persisted(save.id);
    };
    solo.raft.step({ ...append('n2', 2, [0, 0], [], 1), entries: [change] } as Message);
    saveAll();
    expect(solo.raft.ready().committedEntries).toEqual([change]);
    solo.raft.step(chunk(0, true));
    saveAll();
    solo.raft.applied(1);
    expect(solo.raft.status).toMatchObject({ applied: 5, configuration: { voters: ['n1', 'n2', 'n3'] } });
  });
});

describe('sending', () => {
  const nothing = new Uint8Array(4);

  /** A leader whose log is compacted beyond what n2 needs, and the host's side of its reads. */
  function leaderOfLaggard(): { solo: Solo; read: () => SnapshotRead | undefined; take: () => Ready } {
    const solo = new Solo({
      logTerms: [1, 1, 1],
      term: 1,
      commit: 3,
      snapshotChunksMax: 2,
      snapshotChunkBytes: 4,
    });
    solo.settle();
    solo.compact(3);
    solo.win('n3');
    const refusal = { type: 'append-response', from: 'n2', to: 'n1', term: 2, index: 3 } as const;
    solo.raft.step({ ...refusal, rejected: { hintIndex: 0, hintTerm: 0 } });
    const take = (): Ready => solo.raft.ready();
    return { solo, take, read: () => take().snapshotReads[0] };
  }

  const head = { index: 3, term: 1, conf };

  test('reads on while pieces are unanswered, up to the window', () => {
    const { solo, read } = leaderOfLaggard();
    const first = read();
    expect(first).toMatchObject({ to: 'n2', offset: 0, bytesMax: 4 });
    if (first === undefined) return;
    solo.raft.snapshotRead(first, { snapshot: head, offset: 0, data: nothing, isLast: false });
    const second = read();
    expect(second).toMatchObject({ offset: 4 });
    if (second === undefined) return;
    solo.raft.snapshotRead(second, { snapshot: head, offset: 4, data: nothing, isLast: false });
    expect(read()).toBeUndefined();
    solo.raft.step({ type: 'snapshot-response', from: 'n2', to: 'n1', term: 2, snapshot: head, offset: 4 });
    expect(read()).toMatchObject({ offset: 8 });
  });

  test('sends again what two heartbeats found unanswered', () => {
    const { solo, read, take } = leaderOfLaggard();
    const first = read();
    if (first === undefined) throw new Error('no read');
    solo.raft.snapshotRead(first, { snapshot: head, offset: 0, data: nothing, isLast: true });
    expect(take().messages).toMatchObject([{ type: 'snapshot-chunk', offset: 0, isLast: true }]);
    const alive = { type: 'heartbeat-response', from: 'n2', to: 'n1', term: 2, round: 0 } as const;
    solo.raft.step(alive);
    expect(take().messages).toEqual([]);
    solo.raft.step(alive);
    expect(take().messages).toMatchObject([{ type: 'snapshot-chunk', offset: 0 }]);
  });

  test('goes on with entries once it is acknowledged', () => {
    const { solo, read } = leaderOfLaggard();
    const first = read();
    if (first === undefined) throw new Error('no read');
    solo.raft.snapshotRead(first, { snapshot: head, offset: 0, data: nothing, isLast: true });
    const sent = solo.hear(holds('n2', 2, 3)).filter(({ to, type }) => to === 'n2' && type === 'append');
    expect(sent).toMatchObject([{ prevIndex: 3, entries: [{ index: 4 }] }]);
  });

  test('a snapshot that cannot be read is tried again at the next heartbeat', () => {
    const { solo, read } = leaderOfLaggard();
    const first = read();
    if (first === undefined) throw new Error('no read');
    solo.raft.snapshotRead(first, null);
    expect(read()).toBeUndefined();
    solo.raft.step({ type: 'heartbeat-response', from: 'n2', to: 'n1', term: 2, round: 0 });
    expect(read()).toMatchObject({ offset: 0 });
  });

  test('a host with a transport of its own reports how it ended', () => {
    const { solo, read } = leaderOfLaggard();
    read();
    solo.raft.reportSnapshot('n2', 'finished', 3);
    expect(solo.raft.status.members.get('n2')).toMatchObject({ state: 'probe', next: 4 });
  });
});
