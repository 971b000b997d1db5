import { KeelsonError } from '../../errors/index.js';

/** Another session has the log, or had it since. */
export function fenced(place: string, cause: unknown): KeelsonError {
  return new KeelsonError(
    'KEELSON_FENCED',
    `${place} was taken over by another session, or opened by one since. What was not answered may be in it. Connect anew; a leader steps down.`,
    { path: place, fate: 'unknown' },
    cause,
  );
}

/** The server cannot be asked. */
export function notAnswering(place: string, cause: unknown): KeelsonError {
  const why = cause instanceof Error ? `: ${cause.message}` : '';
  return new KeelsonError(
    'KEELSON_FATE_UNKNOWN',
    `${place} does not answer, so nobody knows which of the last saves are on stable storage${why}. Connect anew, which decides it; a leader steps down.`,
    { path: place, fate: 'unknown' },
    cause ?? undefined,
  );
}

/** The server began anew, and what it found is not what this session left. */
export function unsettled(place: string, found: number, expected: number): KeelsonError {
  return new KeelsonError(
    'KEELSON_FATE_UNKNOWN',
    `${place} stands at LSN ${found} after its server began anew, expected ${expected} or what was sent behind it. Was its directory put back, or written to by another? Connect anew, and see which entries are there.`,
    { path: place, lsn: found, found, expected, fate: 'unknown' },
  );
}

/** An answer that no server of this service gives. */
export function strangeAnswer(place: string, found: number, expected: number): KeelsonError {
  return new KeelsonError(
    'KEELSON_FATE_UNKNOWN',
    `${place} answered a save with LSN ${found}, expected ${expected}: the two sides do not speak of the same log. Connect anew, and see which entries are there.`,
    { path: place, lsn: found, found, expected, fate: 'unknown' },
  );
}

/** A snapshot whose record was not written when the server ended. */
export function serverWithoutUpload(place: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_ABORTED',
    `${place} was served anew before a snapshot counted, and its data is gone: neither it nor what was saved behind it is there. Take the snapshot again.`,
    { path: place, fate: 'not-persisted' },
  );
}

/** Bytes that changed on their way. */
export function damagedPiece(place: string, offset: number, found: number, expected: number): KeelsonError {
  return new KeelsonError(
    'KEELSON_READ_FAILED',
    `a snapshot of ${place} changed on its way at byte ${offset}: checksum 0x${found.toString(16)}, expected 0x${expected.toString(16)}. Read it again.`,
    { path: place, offset, found, expected },
  );
}
