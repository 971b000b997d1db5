import { orAborted, throwIfAborted } from '../../errors/index.js';
import { checksum } from '../../format/checksum.js';
import type { SnapshotFiles, StagingRequest } from '../../raft-log/log-store.js';
import type { LogFrame } from '../../raft-log/state/log-frame.js';
import type { SnapshotRef, StagedSnapshot } from '../../snapshot/index.js';
import { pullData } from '../../snapshot/pull-data.js';
import { SnapshotStream } from '../../snapshot/snapshot-stream.js';
import { newIdentity } from '../../wal/store/begin-log.js';
import { ConnectionLost } from '../calls.js';
import type { OpenSnapshotResponse, SnapshotUpload } from '../generated/keelson/v1/raft_log.js';
import { hardStateMessage } from '../wire/save-message.js';
import { isAbout, isUnknownSession, pause } from './connection.js';
import { damagedPiece, serverWithoutUpload } from './endings.js';
import { answeredWithout, type Link } from './link.js';
import { OutgoingUpload } from './outgoing-upload.js';

/** The snapshots of a log that lasts elsewhere: sent as uploads that are held until the record that names them. */
export class RemoteSnapshots implements SnapshotFiles {
  readonly isFailed = false;
  readonly #link: Link;
  /** By the very name that the record is drafted with. */
  readonly #uploads = new WeakMap<object, Uint8Array>();
  readonly #open = new Set<SnapshotStream>();

  constructor(link: Link) {
    this.#link = link;
  }

  /** The upload that a frame makes count. */
  uploadFor({ effect }: LogFrame): Uint8Array | null {
    return effect.snapshot === undefined ? null : (this.#uploads.get(effect.snapshot.ref) ?? null);
  }

  async write(request: StagingRequest): Promise<StagedSnapshot> {
    const { index, term, data, bytes, signal } = request;
    const { environment, place } = this.#link.parts;
    const outgoing = new OutgoingUpload();
    const given = new AbortController();
    const uploadId = newIdentity(environment);
    const sending = this.#send(request, uploadId, outgoing, given.signal);
    sending.catch(() => undefined);
    try {
      await pullData({
        data,
        bytes,
        owner: this,
        signal,
        environment,
        take: (piece) => Promise.race([outgoing.push(piece), sending]),
      });
      outgoing.end();
      await orAborted('the snapshot', signal, sending);
    } catch (error) {
      given.abort();
      throw error;
    }
    const ref = { index, term, checksum: 0 };
    this.#uploads.set(ref, uploadId);
    return {
      ref,
      bytes: outgoing.bytes,
      path: place,
      publish: () => Promise.resolve(),
      // The server gives it up with the next upload, or with the session.
      discard: () => Promise.resolve(),
    };
  }

  /** Sends all of it, over as many connections as it takes. */
  async #send(
    request: StagingRequest,
    uploadId: Uint8Array,
    outgoing: OutgoingUpload,
    signal: AbortSignal,
  ): Promise<void> {
    const { environment, place } = this.#link.parts;
    const { session } = this.#link;
    const { index, conf, bytes } = request;
    const about = { session, uploadId, index, conf, bytes, number: 0, isHeld: true };
    const untilMs = environment.now() + this.#link.parts.patienceMs;
    for (let attempt = 0, offset = 0; ; attempt += 1) {
      try {
        if (attempt > 0) offset = await this.#received(uploadId, signal);
        await this.#call(request, { ...about, offset }, outgoing, signal);
        return;
      } catch (error) {
        throwIfAborted('the upload', signal);
        if (isUnknownSession(error)) throw serverWithoutUpload(place);
        // A stream whose end the server has not heard of may have brought more since it was asked.
        const mayGoOn = error instanceof ConnectionLost || isAbout(error, 'upload.offset');
        if (!mayGoOn || environment.now() > untilMs) throw error;
      }
      await pause(environment, attempt, signal);
    }
  }

  async #received(uploadId: Uint8Array, signal: AbortSignal): Promise<number> {
    const { session, parts } = this.#link;
    try {
      return (await parts.calls.getUpload({ session, uploadId }, signal)).receivedBytes;
    } catch (error) {
      // Its first message never came.
      if (isAbout(error, 'upload_id')) return 0;
      throw error;
    }
  }

  async #call(
    { isInstall, term, hardState }: StagingRequest,
    upload: SnapshotUpload,
    outgoing: OutgoingUpload,
    signal: AbortSignal,
  ): Promise<void> {
    const { calls } = this.#link.parts;
    const parts = async function* <P>(firstPart: P) {
      yield { part: firstPart };
      for await (const value of outgoing.pieces(upload.offset))
        yield { part: { $case: 'piece', value } as const };
      yield { part: { $case: 'end', value: { bytes: outgoing.bytes } } as const };
    };
    const change = hardState === undefined ? undefined : hardStateMessage(hardState);
    const value = { upload, term, hardState: change };
    if (isInstall) await calls.installSnapshot(parts({ $case: 'install', value } as const), signal);
    else await calls.createSnapshot(parts({ $case: 'upload', value: upload } as const), signal);
  }

  /** A published one; rejects where it is not kept. */
  async open(ref: SnapshotRef, signal: AbortSignal | undefined): Promise<SnapshotStream> {
    const name = `the snapshot at ${ref.index}`;
    throwIfAborted(`opening ${name}`, signal);
    const ending = new AbortController();
    // Known before it is asked for: one that is being opened ends with the log, too.
    const data: SnapshotStream = new SnapshotStream({
      name,
      signal,
      chunks: () => this.#chunks(ref, begun, ending.signal),
      letGo: () => {
        ending.abort();
        return Promise.resolve();
      },
      onEnd: (ended) => this.#open.delete(ended),
    });
    this.#open.add(data);
    let begun: AsyncIterator<OpenSnapshotResponse>;
    try {
      begun = await this.#link.read(`opening ${name}`, signal, async () => {
        data.throwIfClosed();
        return this.#begin(ref, 0, ending.signal);
      });
    } catch (error) {
      this.#open.delete(data);
      data.throwIfClosed();
      throw error;
    }
    return data;
  }

  async #begin(
    { index, term }: SnapshotRef,
    offset: number,
    signal: AbortSignal,
  ): Promise<AsyncIterator<OpenSnapshotResponse>> {
    const { calls, name } = this.#link.parts;
    const request = { name, index, offset, session: this.#link.reader };
    const parts = calls.openSnapshot(request, signal)[Symbol.asyncIterator]();
    const first = await parts.next();
    const part = first.done === true ? undefined : first.value.part;
    if (part?.$case !== 'snapshot' || part.value.term !== term) throw answeredWithout('snapshot');
    return parts;
  }

  /** Goes on behind the last byte that came where a connection breaks. */
  async *#chunks(
    ref: SnapshotRef,
    begun: AsyncIterator<OpenSnapshotResponse>,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
    let parts = begun;
    for (let offset = 0; ;) {
      const step = await parts.next().catch(async (error: unknown) => {
        if (!(error instanceof ConnectionLost) && !isUnknownSession(error)) throw error;
        const from = offset;
        parts = await this.#link.read('reading the snapshot', signal, () => this.#begin(ref, from, signal));
        return parts.next();
      });
      if (step.done === true) return;
      const { part } = step.value;
      if (part?.$case !== 'piece') throw answeredWithout('piece');
      const { data, checksum: expected } = part.value;
      const found = checksum(data);
      if (found !== expected) throw damagedPiece(this.#link.parts.place, offset, found, expected);
      offset += data.length;
      yield Uint8Array.from(data);
    }
  }

  /** The server keeps as many as it was told to. */
  retain(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#open, (data) => data.close()));
  }
}
