import { LIMITS } from '../../format/limits.js';
import { pullData } from '../../snapshot/pull-data.js';
import type { OpenedSnapshot, SnapshotData, SnapshotMeta } from '../contract.js';
import type { HeldSnapshot } from './memory-state.js';

/**
 * Takes a snapshot's data into memory, in chunks of its own.
 *
 * @param signal - abandons the stream at once, also while it is silent: `KEELSON_ABORTED`
 * @throws `KEELSON_INVALID_ARGUMENT` for a chunk that is no bytes; what the stream itself throws.
 */
export async function collectSnapshotData(data: SnapshotData, signal: AbortSignal): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  await pullData(data, signal, (chunk) => {
    if (chunk.length > 0) chunks.push(Uint8Array.from(chunk));
    return Promise.resolve();
  });
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

async function* copiesOf(
  chunks: readonly Uint8Array[],
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += LIMITS.snapshotChunkBytes) {
      yield chunk.slice(at, at + LIMITS.snapshotChunkBytes);
    }
  }
}
