/** Reports travel as JSON. It has no infinity: an index without a bound is the text `"unbounded"`, as in the commands. */
export function toJson(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return JSON.stringify(value, (_key, one: unknown) => (one === Infinity ? 'unbounded' : one));
}

/** Reads what {@link toJson} wrote; undefined where nothing was written, or something else. */
export function fromJson(text: string | undefined): unknown {
  if (text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text, (_key, one: unknown) => (one === 'unbounded' ? Infinity : one));
  } catch {
    return undefined;
  }
}
