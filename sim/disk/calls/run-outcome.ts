/** How a run on a simulated disk ended. */
export type RunOutcome<T> =
  | {
      /** It came to its end. */
      readonly crashed: false;
      /** What it returned. */
      readonly value: T;
    }
  | {
      /** The process died before. */
      readonly crashed: true;
    };
