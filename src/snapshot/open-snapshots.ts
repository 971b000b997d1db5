import { orAborted, throwIfAborted } from '../errors/index.js';
import { SharedSnapshotFile } from './shared-file.js';
import type { JudgedSnapshotFile } from './snapshot-file-reader.js';
import type { SnapshotRef } from './snapshot-ref.js';
import { SnapshotStream } from './snapshot-stream.js';
import { verifiedChunks } from './verified-chunks.js';

/** A snapshot to be opened. */
export interface OpenSnapshotRequest {
  readonly path: string;
  readonly ref: SnapshotRef;
  readonly signal: AbortSignal | undefined;
  /** Opens its file by its name, and judges it. */
  readonly openJudged: () => Promise<JudgedSnapshotFile>;
}

/** All that is open of one store of snapshots: so that nothing of it disappears (D10), and that it ends with the store. */
export class OpenSnapshots {
  /** A writer in another process deletes without asking us, so files are held from the start, not once they are read. */
  readonly #holdsAtOnce: boolean;
  readonly #streams = new Set<SnapshotStream>();
  /** By path; two refs of one path are two files, the later of which took the earlier one's name. */
  readonly #files = new Map<string, { readonly checksum: number; readonly file: SharedSnapshotFile }>();
  /** Files that have no name any more, which only those keep who read them. */
  readonly #unnamed = new Set<{
    readonly file: SharedSnapshotFile;
    readonly bytes: number;
    readonly sinceMs: number;
  }>();
  readonly #now: () => number;
  #isClosed = false;
  /** Told when a file of so many bytes has lost its name to a newer one while it is read. */
  onUnnamed: (bytes: number) => void = () => undefined;

  constructor(holdsAtOnce: boolean, now: () => number) {
    this.#holdsAtOnce = holdsAtOnce;
    this.#now = now;
  }

  async open(request: OpenSnapshotRequest): Promise<SnapshotStream> {
    const { path, signal } = request;
    const name = `snapshot ${path}`;
    throwIfAborted(`opening ${name}`, signal);
    const file = this.#fileOf(request);
    const holder = {};
    file.hold(holder);
    const data = new SnapshotStream({
      name,
      signal,
      chunks: () => readThrough(file, holder),
      letGo: () => file.letGo(holder),
      onEnd: (ended) => {
        this.#streams.delete(ended);
        if (!file.isHeld && this.#files.get(path)?.file === file) this.#files.delete(path);
      },
    });
    this.#streams.add(data);
    try {
      if (this.#isClosed) await data.close();
      data.throwIfClosed();
      await orAborted(`opening ${name}`, signal, file.read(holder));
      data.throwIfClosed();
      if (this.#holdsAtOnce) await file.keep();
      else await file.pause(holder);
      data.throwIfClosed();
      return data;
    } catch (error) {
      const closing = data.close();
      // An open that hangs would keep the one waiting who gave it up.
      if (signal?.aborted !== true) await closing;
      throw error;
    }
  }

  #fileOf({ path, ref, openJudged }: OpenSnapshotRequest): SharedSnapshotFile {
    const known = this.#files.get(path);
    if (known?.checksum === ref.checksum) return known.file;
    const file = new SharedSnapshotFile(openJudged);
    this.#files.set(path, { checksum: ref.checksum, file });
    return file;
  }

  /** D10: runs `remove`, which takes the name away; who has the file open reads on. */
  async whileKept(path: string, remove: () => Promise<void>): Promise<void> {
    const open = this.#files.get(path);
    const judged = await open?.file.keep();
    await remove();
    if (open !== undefined && judged !== undefined && open.file.isHeld) {
      this.#unnamed.add({ file: open.file, bytes: judged.chunksUntil, sinceMs: this.#now() });
      this.onUnnamed(judged.chunksUntil);
    }
    // The name may come again, for another file.
    if (this.#files.get(path) === open) this.#files.delete(path);
  }

  /** What is on the disk for readers alone, and for how long. */
  heldByReaders(): readonly { readonly bytes: number; readonly ageMs: number }[] {
    for (const one of this.#unnamed) if (!one.file.isHeld) this.#unnamed.delete(one);
    return Array.from(this.#unnamed, ({ bytes, sinceMs }) => ({ bytes, ageMs: this.#now() - sinceMs }));
  }

  /** Ends all reading, and lets none begin. Resolved: no file is open. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(Array.from(this.#streams, (stream) => stream.close()));
  }
}

async function* readThrough(
  file: SharedSnapshotFile,
  holder: object,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  yield* verifiedChunks(await file.read(holder));
}
