import { invalidArgument } from '../../errors/arguments.js';
import { firstOf, orAborted } from '../../errors/index.js';
import type { ResponseOf } from '../calls.js';
import type { SnapshotEnd, SnapshotPiece, SnapshotUpload } from '../generated/keelson/v1/raft_log.js';
import type { LogSession } from './log-session.js';
import type { TakeSnapshot, Upload } from './upload.js';

/** One part of a stream that uploads a snapshot. */
export interface Part<Case extends string = string, Value = unknown> {
  readonly $case: Case;
  readonly value: Value;
}

/** What such a stream brings. */
export interface Parts<P extends Part = Part> {
  readonly part?: P | undefined;
}

/** The first part of an upload, which must say what it is. */
export async function firstPart<P extends Part, Case extends P['$case']>(
  parts: AsyncIterator<Parts<P>>,
  expected: Case,
  signal: AbortSignal | undefined,
): Promise<Extract<P, { readonly $case: Case }>['value']> {
  const part = await nextPart(parts, signal);
  if (part?.$case !== expected) throw invalidArgument('part', part?.$case, `${expected}, first`);
  return part.value;
}

/** A call that was cancelled may look as if it had come to its end, and so to undefined. */
async function nextPart<P extends Part>(
  parts: AsyncIterator<Parts<P>>,
  signal: AbortSignal | undefined,
): Promise<P | undefined> {
  const next = await orAborted('the upload', signal, parts.next());
  return next.done === true ? undefined : next.value.part;
}

/** Takes what a stream brings of an upload, and has it count where nothing else is to. */
export async function receiveUpload(
  session: LogSession,
  about: SnapshotUpload,
  take: TakeSnapshot,
  parts: AsyncIterator<Parts>,
  signal: AbortSignal | undefined,
): Promise<ResponseOf<'createSnapshot'>> {
  if (!about.isHeld && session.isTaken(about.number)) {
    await session.take({ number: about.number, answered: 0 });
    const snapshot = session.hosted.log.snapshots.find(({ index }) => index === about.index);
    return { snapshot, receivedBytes: snapshot?.bytes ?? 0 };
  }
  const upload = session.beginUpload(about, take);
  await receivePieces(session, upload, about.offset, parts, signal);
  await upload.accepted();
  const { receivedBytes } = upload;
  if (about.isHeld) return { snapshot: undefined, receivedBytes };
  await session.countUpload(about.number, upload);
  return { snapshot: await upload.taken, receivedBytes };
}

async function receivePieces(
  session: LogSession,
  upload: Upload,
  offset: number,
  parts: AsyncIterator<Parts>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const stream = upload.resume(offset);
  const { signal: ending, forget } = firstOf([signal, session.ending, upload.refusal]);
  try {
    for (;;) {
      const part = await nextPart(parts, ending);
      if (part?.$case === 'end') {
        upload.checkEnd((part.value as SnapshotEnd).bytes);
        return;
      }
      if (part?.$case !== 'piece') throw invalidArgument('part', part?.$case, 'a piece or the end');
      await upload.write(stream, part.value as SnapshotPiece);
    }
  } catch (error) {
    upload.throwIfRefused();
    throw error;
  } finally {
    forget();
    parts.return?.()?.catch(() => undefined);
  }
}
