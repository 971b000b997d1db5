/**
 * Runs it without stacks of errors, which take time where the store throws thousands that are asked for
 * their words alone. What fails is run once more with them; it fails with the first error if it then does not.
 */
export async function withoutStacks<T>(run: () => Promise<T>): Promise<T> {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return await run();
  } catch (error) {
    Error.stackTraceLimit = stackTraceLimit;
    await run();
    throw error;
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
