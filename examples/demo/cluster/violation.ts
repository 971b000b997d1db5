/** Something that was promised does not hold: the demonstration ends with exit code 1. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly problems: readonly string[];

  constructor(message: string, problems: readonly string[]) {
    super(message);
    this.problems = problems;
  }
}

/** The demonstration could not be brought to its end, and says nothing about what was promised. */
export class GivenUp extends Error {
  override readonly name = 'GivenUp';
}
