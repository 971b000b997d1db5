import { isKeelsonError, type ErrorCode, type KeelsonError } from '../../src/errors/index.js';

/** Runs what must be refused with this code, and gives the error back. */
export function refused(code: ErrorCode, run: () => unknown): KeelsonError {
  let outcome: unknown;
  try {
    outcome = run();
  } catch (error) {
    if (isKeelsonError(error, code)) return error;
    throw new Error(`expected ${code}, got: ${String(error)}`, { cause: error });
  }
  throw new Error(`expected ${code}, but it was accepted: ${JSON.stringify(outcome)}`);
}
