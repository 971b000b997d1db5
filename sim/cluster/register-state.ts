import { checksum } from '../../src/format/checksum.js';
import type { Entry } from '../../src/raft-log/contract.js';
import { ENTRY_KIND } from '../raft/index.js';
import { ClusterFinding } from './cluster-finding.js';

/** What every node's state machine keeps: registers by name, and a hash of all that was ever applied. */
export class RegisterState {
  applied = 0;
  /** Of every entry applied, in order: equal at equal index on every node. */
  hash = 0;
  #values: Map<string, string> = new Map<string, string>();

  value(key: string): string | null {
    return this.#values.get(key) ?? null;
  }

  apply(entry: Entry): void {
    this.applied = entry.index;
    this.hash = hashOfEntry(entry, this.hash);
    if (entry.kind !== ENTRY_KIND.command) return;
    const [key, value] = decodePut(entry.data);
    this.#values.set(key, value);
  }

  /**
   * All of it as bytes, with `padBytes` more, so that it takes several pieces to carry. Each of those bytes follows from the
   * state too: a piece that is missing, or of another snapshot, shows.
   */
  encode(padBytes: number): Uint8Array {
    const { applied, hash } = this;
    const head = `${JSON.stringify({ applied, hash, padBytes, values: [...this.#values] })}\n`;
    const pad = Uint8Array.from(
      { length: padBytes },
      (_, at) => Math.imul(hash ^ (at + 1), 0x9e3779b1) >>> 24,
    );
    return Buffer.concat([new TextEncoder().encode(head), pad]);
  }

  /** Throws if these are not the bytes, all of them and no others, that a state was encoded as. */
  restore(bytes: Uint8Array): void {
    const padBytes = this.#read(bytes);
    if (padBytes !== null && Buffer.compare(this.encode(padBytes), bytes) === 0) return;
    throw new ClusterFinding({
      oracle: 'snapshot-whole',
      what: `a snapshot of ${String(bytes.length)} bytes was restored that no state was encoded as`,
    });
  }

  /** Returns how many bytes there shall be behind it; null if it cannot be read. */
  #read(bytes: Uint8Array): number | null {
    try {
      const head = Buffer.from(bytes).subarray(0, bytes.indexOf(0x0a)).toString();
      const state = JSON.parse(head) as {
        readonly applied: number;
        readonly hash: number;
        readonly padBytes: number;
        readonly values: readonly (readonly [string, string])[];
      };
      this.applied = state.applied;
      this.hash = state.hash;
      this.#values = new Map(state.values);
      return state.padBytes;
    } catch (error) {
      if (error instanceof SyntaxError) return null;
      throw error;
    }
  }
}

/** A command that sets `key` to `value`, at least `bytesMin` long. */
export function encodePut(key: string, value: string, bytesMin: number): Uint8Array {
  return new TextEncoder().encode(`${key}=${value}`.padEnd(bytesMin));
}

/** Of an entry's place and content, and of `before`: a chain of these is a hash of a log. */
export function hashOfEntry({ index, term, kind, data }: Entry, before: number): number {
  let hash = Math.imul(before ^ index, 0x01000193);
  hash = Math.imul(hash ^ term, 0x01000193);
  hash = Math.imul(hash ^ (kind ?? 0), 0x01000193);
  hash = Math.imul(hash ^ checksum(data), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function decodePut(data: Uint8Array): readonly [string, string] {
  const text = new TextDecoder().decode(data).trimEnd();
  const at = text.indexOf('=');
  return [text.slice(0, at), text.slice(at + 1)];
}
