import { firstOf, orAborted, throwIfAborted } from '../../errors/index.js';
import type { SnapshotPlan } from '../rules/judge-snapshot.js';
import type { SnapshotMeta } from '../snapshot-contract.js';
import type { GivenSnapshot } from '../rules/requests.js';
import { draftHardState, draftSnapshot, type FrameDraft } from '../state/encode-save.js';
import { collectSnapshotData } from './memory-snapshots.js';
import type { HeldSnapshot, MemoryChange } from './memory-state.js';

/** One snapshot to be taken. */
export interface MemorySnapshotTurn {
  readonly request: GivenSnapshot;
  /** Judges it against the accepted state as it is now. */
  readonly judge: () => SnapshotPlan;
  /** For whom the data is pulled. */
  readonly owner: object;
  readonly throwIfUnwritable: () => void;
  readonly heldNow: () => HeldSnapshot | null;
  readonly accept: (draft: FrameDraft, change: MemoryChange) => Promise<unknown>;
  readonly whenLanded: () => Promise<unknown>;
}

/** Snapshot operations run one at a time; each is judged again when its data is here. */
export class MemorySnapshotTurns {
  readonly #closing = new AbortController();
  #turn: Promise<unknown> = Promise.resolve();

  /** Abandons those whose data still streams, and all behind them; resolves when none is under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#turn;
  }

  take(turn: MemorySnapshotTurn): Promise<{ readonly meta: SnapshotMeta; readonly isNew: boolean }> {
    const before = this.#turn;
    const taken = orAborted('the snapshot', turn.request.signal, before).then(() => this.#take(turn));
    this.#turn = Promise.allSettled([before, taken]);
    return taken;
  }

  async #take(turn: MemorySnapshotTurn): Promise<{ readonly meta: SnapshotMeta; readonly isNew: boolean }> {
    const { request, judge, accept } = turn;
    turn.throwIfUnwritable();
    throwIfAborted('the snapshot', request.signal);
    const plan = judge();
    const held = plan.isHeld ? turn.heldNow() : null;
    if (held !== null) {
      await (plan.hardStateChanged
        ? accept(draftHardState(plan), { kind: 'snapshot', plan, held })
        : turn.whenLanded());
      return { meta: held.meta, isNew: false };
    }
    const chunks = await this.#collect(turn);
    throwIfAborted('the snapshot', request.signal);
    const { index, term } = plan;
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const meta: SnapshotMeta = { index, term, conf: request.conf, bytes };
    const now = judge();
    const draft = draftSnapshot(now, { index, term, checksum: 0 }, meta);
    await accept(draft, { kind: 'snapshot', plan: now, held: { meta, chunks } });
    return { meta, isNew: true };
  }

  async #collect({ request, owner, throwIfUnwritable }: MemorySnapshotTurn): Promise<Uint8Array[]> {
    const { signal, forget } = firstOf([this.#closing.signal, request.signal]);
    try {
      return await collectSnapshotData(request, owner, signal);
    } finally {
      forget();
      throwIfUnwritable();
    }
  }
}
