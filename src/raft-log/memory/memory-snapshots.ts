import { nodeEnvironment } from '../../disk/node-environment.js';
import { LIMITS } from '../../format/limits.js';
import { pullData } from '../../snapshot/pull-data.js';
import { SnapshotStream } from '../../snapshot/snapshot-stream.js';
import type { OpenedSnapshot, SnapshotMeta } from '../snapshot-contract.js';
import type { GivenSnapshot } from '../rules/requests.js';
import type { HeldSnapshot } from './memory-state.js';

/**
 * Takes a snapshot's data into memory, in chunks of its own.
 *
 * @param owner - see {@link pullData}
 * @param signal - abandons the stream at once, also while it is silent: `KEELSON_ABORTED`
 * @throws as {@link pullData} does; what the stream itself throws.
 */
export async function collectSnapshotData(
  { data, bytes }: GivenSnapshot,
  owner: object,
  signal: AbortSignal,
): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  const environment = nodeEnvironment();
  const endOfTurn = (run: () => void): void => {
    environment.endOfTurn(run);
  };
  const take = (chunk: Uint8Array): Promise<void> => {
    if (chunk.length > 0) chunks.push(Uint8Array.from(chunk));
    return Promise.resolve();
  };
  await pullData({ data, bytes, owner, signal, endOfTurn, take });
  return chunks;
}

/** A meta whose bytes belong to the caller. */
export function copyMeta(meta: SnapshotMeta): SnapshotMeta;
export function copyMeta(meta: SnapshotMeta | null): SnapshotMeta | null;
export function copyMeta(meta: SnapshotMeta | null): SnapshotMeta | null {
  return meta === null ? null : { ...meta, conf: Uint8Array.from(meta.conf) };
}

/** Hands a held snapshot out, its bytes copied, as one that can be read once; `open` knows it until it has ended. */
export function openHeldSnapshot(
  held: HeldSnapshot,
  signal: AbortSignal | undefined,
  open: Set<SnapshotStream>,
): OpenedSnapshot {
  const data = new SnapshotStream({
    name: `the snapshot at ${held.meta.index}`,
    signal,
    chunks: () => copiesOf(held.chunks),
    letGo: () => Promise.resolve(),
    onEnd: (ended) => {
      open.delete(ended);
    },
  });
  open.add(data);
  const close = (): Promise<void> => data.close();
  return { meta: copyMeta(held.meta), data, close, [Symbol.asyncDispose]: close };
}

async function* copiesOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += LIMITS.snapshotChunkBytes) {
      yield Uint8Array.from(chunk.subarray(at, at + LIMITS.snapshotChunkBytes));
    }
  }
}
