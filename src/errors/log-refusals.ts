import { KeelsonError } from './keelson-error.js';

/** What a call on a closed log gets. */
export function closedError(dir: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_CLOSED',
    `the log in ${dir} is closed. Nothing was saved. Open it again.`,
    { path: dir },
  );
}

/** Throws `KEELSON_ABORTED`, with the signal's reason as its cause, if an open was abandoned by its signal. */
export function throwIfAbandoned(dir: string, signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  const cause: unknown = signal.reason;
  const message = `opening ${dir} was abandoned by its signal. Nothing is lost.`;
  throw new KeelsonError('KEELSON_ABORTED', message, { path: dir }, cause);
}

/** What a save on a latched log gets. */
export function failedError(dir: string, cause: KeelsonError): KeelsonError {
  const message = `the log in ${dir} failed earlier and takes no more saves: ${cause.message} Close it and open it again; a leader steps down.`;
  return new KeelsonError('KEELSON_FAILED', message, { path: dir }, cause);
}

/** What a change of a log that only reads gets. */
export function readOnlyError(dir: string): KeelsonError {
  const message = `the log in ${dir} was opened with readOnly; nothing was changed. Open it without.`;
  return new KeelsonError('KEELSON_READ_ONLY', message, { path: dir });
}

/** What a read of dropped records gets. */
export function compactedError(from: number, lowest: number, cause?: unknown): KeelsonError {
  const message = `record ${from} was dropped; the log begins at ${lowest}. Read from there.`;
  return new KeelsonError('KEELSON_COMPACTED', message, { index: from, expected: lowest }, cause);
}

/** How much a log takes. */
export interface FrameLimits {
  readonly frameBytesMax: number;
  readonly queueBytesMax: number;
}

/** Refuses a frame that is too large for one, or too much beside the bytes that wait for the disk already. */
export function checkFrameSize(
  { headerBytes, payloadBytes }: { readonly headerBytes: number; readonly payloadBytes: number },
  queuedBytes: number,
  { frameBytesMax, queueBytesMax }: FrameLimits,
): void {
  if (payloadBytes > frameBytesMax) throw tooLargeError(payloadBytes, frameBytesMax);
  const queued = queuedBytes + payloadBytes + headerBytes;
  // One save is always taken: a limit below its size must slow the caller down, not stop it for ever.
  if (queued > queueBytesMax && queuedBytes > 0) throw queueFullError(queuedBytes, queued, queueBytesMax);
}

/** What a save of more bytes than one frame may have gets. */
function tooLargeError(found: number, expected: number): KeelsonError {
  const message = `a save of ${found} encoded bytes was asked for, at most ${expected} are allowed (batchBytesMax). Nothing was saved. Save fewer entries at once.`;
  return new KeelsonError('KEELSON_TOO_LARGE', message, { found, expected });
}

/** What a save gets while more than enough waits for the disk. */
function queueFullError(waiting: number, found: number, expected: number): KeelsonError {
  const message = `this save of ${found - waiting} encoded bytes finds ${waiting} waiting for the disk already, at most ${expected} may in all (queueBytesMax). Nothing of it was taken. Wait for earlier saves, then try again.`;
  return new KeelsonError('KEELSON_QUEUE_FULL', message, { found, expected });
}

/** Of a store that moved under every reading of it: that says nothing of its health (R10). */
export function busyError(dir: string, attempts: number, ms: number, cause: unknown): KeelsonError {
  return new KeelsonError(
    'KEELSON_READ_FAILED',
    `the store in ${dir} is busy: its writer moved it under each of ${attempts} readings within ${Math.round(ms)} ms, so what was read does not fit together. That is no damage. Try again when it is less busy.`,
    { path: dir },
    cause,
  );
}
