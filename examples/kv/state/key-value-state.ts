import { createHash } from 'node:crypto';
import type { Entry } from '../../../src/index.js';
import { ENTRY_KIND } from '../../../sim/raft/index.js';
import { Command, type SnapshotRecord } from '../generated/keelson/examples/kv/v1/state.js';
import { readRecords, writeRecords } from './snapshot-records.js';

/** Clients remembered for telling a retry from a new write; beyond it the one least recently heard of is forgotten. */
export const SESSIONS_MAX = 10_000;

/** What became of a command. The same on every node. */
export type Outcome =
  | { readonly kind: 'written'; readonly revision: number }
  | { readonly kind: 'old-sequence' }
  | { readonly kind: 'session-expired' };

/** A value and the log index of the write that set it. */
export interface Pair {
  readonly value: Uint8Array;
  readonly revision: number;
}

interface Session {
  readonly sequence: number;
  readonly revision: number;
}

/**
 * The replicated state: pairs, and for each client its newest write (Raft paper §8), so that a retry is answered and
 * not applied again. Nothing in here may depend on anything but the entries applied, in their order.
 */
export class KeyValueState {
  #applied = 0;
  #historyHash: Uint8Array = new Uint8Array(32);
  #pairs = new Map<string, Pair>();
  /** Least recently heard of first: a Map keeps the order in which its keys were set. */
  #sessions = new Map<string, Session>();

  /** Index of the last entry that is in here. */
  get applied(): number {
    return this.#applied;
  }

  get keyCount(): number {
    return this.#pairs.size;
  }

  get(key: string): Pair | undefined {
    return this.#pairs.get(key);
  }

  /** All pairs in order of keys. */
  sortedPairs(): readonly (readonly [string, Pair])[] {
    return [...this.#pairs].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** Applies the next entry; null for those that are Raft's own. */
  apply(entry: Entry): Outcome | null {
    if (entry.index !== this.#applied + 1) {
      throw new Error(`entry ${entry.index} was to be applied behind ${this.#applied}`);
    }
    this.#applied = entry.index;
    if (entry.kind !== ENTRY_KIND.command) return null;
    const place = Buffer.alloc(8);
    place.writeBigUInt64LE(BigInt(entry.index));
    const hash = createHash('sha256').update(this.#historyHash).update(place).update(entry.data);
    this.#historyHash = hash.digest();
    return this.#execute(Command.decode(entry.data), entry.index);
  }

  #execute({ clientId, sequence, key, value }: Command, revision: number): Outcome {
    const session = this.#sessions.get(clientId);
    if (session === undefined) {
      // It may have been here and been forgotten; to apply its retry again would be worse than to refuse it.
      if (sequence > 1) return { kind: 'session-expired' };
    } else {
      if (sequence === session.sequence) return { kind: 'written', revision: session.revision };
      if (sequence < session.sequence) return { kind: 'old-sequence' };
    }
    if (value === undefined) this.#pairs.delete(key);
    else this.#pairs.set(key, { value, revision });
    this.#remember(clientId, { sequence, revision });
    return { kind: 'written', revision };
  }

  #remember(clientId: string, session: Session): void {
    this.#sessions.delete(clientId);
    this.#sessions.set(clientId, session);
    if (this.#sessions.size <= SESSIONS_MAX) return;
    const [oldest] = this.#sessions.keys();
    if (oldest !== undefined) this.#sessions.delete(oldest);
  }

  /** Hash of everything: of the state as it is, and of the way that led to it. Equal at equal `applied`. */
  hash(): string {
    const hash = createHash('sha256').update(this.#historyHash);
    for (const [key, { value, revision }] of this.sortedPairs()) {
      hash.update(`${key.length}:${key}=${value.length}:`).update(value).update(`@${revision};`);
    }
    for (const [clientId, { sequence, revision }] of this.#sessions) {
      hash.update(`${clientId}#${sequence}@${revision};`);
    }
    return hash.digest('hex');
  }

  /** The state as of now, as the data of a snapshot; entries may be applied while it is being read. */
  snapshot(): AsyncIterable<Uint8Array> {
    const pairs = [...this.#pairs];
    const sessions = [...this.#sessions];
    const head: SnapshotRecord = {
      record: {
        $case: 'head',
        value: {
          applied: this.#applied,
          historyHash: this.#historyHash,
          pairCount: pairs.length,
          sessionCount: sessions.length,
        },
      },
    };
    return writeRecords(
      (function* records(): Generator<SnapshotRecord> {
        yield head;
        for (const [key, pair] of pairs) yield { record: { $case: 'pair', value: { key, ...pair } } };
        for (const [clientId, session] of sessions)
          yield { record: { $case: 'session', value: { clientId, ...session } } };
      })(),
    );
  }

  /** Becomes what a snapshot holds. Throws, and stays as it was, if that is not one of {@link snapshot}. */
  async restore(data: AsyncIterable<Uint8Array>): Promise<void> {
    const pairs = new Map<string, Pair>();
    const sessions = new Map<string, Session>();
    let head = null;
    for await (const { record } of readRecords(data)) {
      if (record?.$case === 'head') head = record.value;
      if (record?.$case === 'pair') {
        const { key, value, revision } = record.value;
        pairs.set(key, { value, revision });
      }
      if (record?.$case === 'session') {
        const { clientId, sequence, revision } = record.value;
        sessions.set(clientId, { sequence, revision });
      }
    }
    if (head?.pairCount !== pairs.size || head.sessionCount !== sessions.size) {
      throw new Error(
        `the snapshot holds ${pairs.size} pairs and ${sessions.size} sessions, but its head says ${JSON.stringify(head)}`,
      );
    }
    this.#applied = head.applied;
    this.#historyHash = head.historyHash;
    this.#pairs = pairs;
    this.#sessions = sessions;
  }
}
