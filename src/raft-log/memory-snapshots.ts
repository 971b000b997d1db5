import { types } from 'node:util';
import { LIMITS } from '../format/limits.js';
import { checkBytes } from './arguments.js';
import type { OpenedSnapshot, SnapshotData, SnapshotMeta } from './contract.js';
import type { HeldSnapshot } from './memory-state.js';

/**
 * Takes a snapshot's data into memory, in chunks of its own.
 *
 * @param goOn - called before each chunk; throws to abandon the stream.
 * @throws `KEELSON_INVALID_ARGUMENT` for a chunk that is no bytes; what the stream itself throws.
 */
export async function collectSnapshotData(data: SnapshotData, goOn: () => void): Promise<Uint8Array[]> {
  if (types.isUint8Array(data)) return data.length === 0 ? [] : [Uint8Array.from(data)];
  const chunks: Uint8Array[] = [];
  for await (const chunk of data as AsyncIterable<unknown>) {
    goOn();
    checkBytes('data', chunk);
    if (chunk.length > 0) chunks.push(Uint8Array.from(chunk));
  }
  return chunks;
}

/** A meta whose bytes belong to the caller. */
export function copyMeta(meta: SnapshotMeta | null): SnapshotMeta | null {
  return meta === null ? null : { ...meta, conf: Uint8Array.from(meta.conf) };
}

/** Hands a held snapshot out, its bytes copied; it may be read any number of times. */
export function openHeldSnapshot(held: HeldSnapshot): OpenedSnapshot {
  return {
    meta: { ...held.meta, conf: Uint8Array.from(held.meta.conf) },
    data: { [Symbol.asyncIterator]: () => copiesOf(held.chunks) },
  };
}

async function* copiesOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += LIMITS.snapshotChunkBytes) {
      yield chunk.slice(at, at + LIMITS.snapshotChunkBytes);
    }
  }
}
