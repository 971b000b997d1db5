import { nodeEnvironment } from '../../disk/node-environment.js';
import { throwIfAborted } from '../../errors/index.js';
import { LIMITS } from '../../format/limits.js';
import type { SnapshotRef, SnapshotWriteRequest, StagedSnapshot } from '../../snapshot/index.js';
import { pullData } from '../../snapshot/pull-data.js';
import { SnapshotStream } from '../../snapshot/snapshot-stream.js';
import type { SnapshotFiles } from '../log-store.js';
import { IN_MEMORY } from './memory-frames.js';

/** The snapshots of a log in memory: their data, in pieces that never change, by index and term. */
export class MemorySnapshots implements SnapshotFiles {
  readonly isFailed = false;
  readonly #held: Map<string, readonly Uint8Array[]>;
  readonly #open = new Set<SnapshotStream>();

  constructor(held: Map<string, readonly Uint8Array[]>) {
    this.#held = held;
  }

  /** Takes the data into memory of its own. Errors as of `pullData`. */
  async write(request: SnapshotWriteRequest): Promise<StagedSnapshot> {
    const { index, term, data, signal } = request;
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    await pullData({
      data,
      bytes: request.bytes,
      owner: this,
      signal,
      environment: nodeEnvironment(),
      take: (piece) => {
        if (piece.length > 0) pieces.push(Uint8Array.from(piece));
        bytes += piece.length;
        return Promise.resolve();
      },
    });
    const ref = { index, term, checksum: 0 };
    return {
      ref,
      bytes,
      path: IN_MEMORY,
      publish: () => {
        this.#held.set(keyOf(ref), pieces);
        return Promise.resolve();
      },
      discard: () => Promise.resolve(),
    };
  }

  /** A published one, its bytes copied as they are read; what is open goes on when it is no longer kept. */
  open(ref: SnapshotRef, signal: AbortSignal | undefined): SnapshotStream {
    const name = `the snapshot at ${String(ref.index)}`;
    throwIfAborted(`opening ${name}`, signal);
    const pieces = this.#held.get(keyOf(ref)) ?? [];
    const data = new SnapshotStream({
      name,
      signal,
      chunks: () => copiesOf(pieces),
      letGo: () => Promise.resolve(),
      onEnd: (ended) => this.#open.delete(ended),
    });
    this.#open.add(data);
    return data;
  }

  retain(refs: Iterable<SnapshotRef>): Promise<readonly string[]> {
    const kept = new Set(Array.from(refs, keyOf));
    for (const key of this.#held.keys()) if (!kept.has(key)) this.#held.delete(key);
    return Promise.resolve([]);
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#open, (data) => data.close()));
  }
}

function keyOf({ index, term }: SnapshotRef): string {
  return `${String(index)}-${String(term)}`;
}

async function* copiesOf(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; at += LIMITS.snapshotChunkBytes) {
      yield Uint8Array.from(piece.subarray(at, at + LIMITS.snapshotChunkBytes));
    }
  }
}
