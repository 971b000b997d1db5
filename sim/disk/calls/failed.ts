/** How a call ended that threw: handed on as a value, since each level that throws again costs more than the call. */
export class Failed {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}
