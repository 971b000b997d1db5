import { KeelsonError } from '../errors/index.js';

/** What a call on a closed log gets. */
export function closedError(dir: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_CLOSED',
    `the log in ${dir} is closed. Nothing was saved. Open it again.`,
    { path: dir },
  );
}

/** What a save on a latched log gets. */
export function failedError(dir: string, cause: KeelsonError): KeelsonError {
  const message = `the log in ${dir} failed earlier and takes no more saves: ${cause.message} Close it and open it again; a leader steps down.`;
  return new KeelsonError('KEELSON_FAILED', message, { path: dir }, cause);
}

/** What a change of a log that only reads gets. */
export function readOnlyError(dir: string): KeelsonError {
  const message = `${dir} was opened with readOnly; it takes no changes.`;
  return new KeelsonError('KEELSON_READ_ONLY', message, { path: dir });
}

/** What a read of dropped records gets. */
export function compactedError(from: number, lowest: number): KeelsonError {
  const message = `record ${from} was dropped; the log begins at ${lowest}. Read from there.`;
  return new KeelsonError('KEELSON_COMPACTED', message, { index: from, expected: lowest });
}
