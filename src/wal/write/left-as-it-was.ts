import type { KeelsonError } from '../../errors/index.js';

/**
 * Wraps a failure that left the log exactly as it was: nothing of the save exists, the log goes on, and a later
 * save tries again (D4, D6, D7). Every other failure of the writer latches the log (D5).
 */
export class LeftAsItWas extends Error {
  override readonly name = 'LeftAsItWas';
  readonly error: KeelsonError;

  constructor(error: KeelsonError) {
    super(error.message);
    this.error = error;
  }
}
