import { isDeepStrictEqual } from 'node:util';

/** A JSON object of a case. */
export type Fields = Readonly<Record<string, unknown>>;

/** A value of a case as it travels: bytes and entries that are only described are made. */
export function expanded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(expanded);
  if (!isFields(value)) return value;
  if (typeof value['fill'] === 'number') return filled(value['fill'], 0);
  if (typeof value['letters'] === 'number') return 'v'.repeat(value['letters']);
  if (Array.isArray(value['joined'])) return value['joined'].flatMap(expanded);
  if (isFields(value['run'])) return entriesOf(value['run'] as unknown as Run);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, expanded(one)]));
}

interface Run {
  readonly from: number;
  readonly count: number;
  readonly term: number;
  readonly bytes: number;
}

/** Entries whose data their index and size determine. */
function entriesOf({ from, count, term, bytes }: Run): Fields[] {
  return Array.from({ length: count }, (_, at) => {
    const index = from + at;
    return { index, term, kind: 0, data: filled(bytes, index) };
  });
}

function filled(length: number, seed: number): string {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at += 1) bytes[at] = at * 31 + seed * 17 + (at >>> 8);
  return bytes.toString('base64');
}

/**
 * Where an answer is not what a case says, and how; null where it is. Of an object, the fields that the case names count;
 * a list has the length that it says. `{ "oneOf": [..] }`, `{ "atLeast": .. }` and `{ "exactly": {..} }` are what they say.
 *
 * @param acknowledged what `{ "atLeast": "acknowledged" }` stands for
 */
export function difference(
  found: unknown,
  expected: unknown,
  acknowledged: number,
  path = 'answer',
): string | null {
  if (Array.isArray(expected)) {
    if (!Array.isArray(found) || found.length !== expected.length)
      return `${path} is ${shown(found)}, expected a list of ${expected.length}`;
    return first(expected, (one, at) => difference(found[at], one, acknowledged, `${path}[${at}]`));
  }
  if (!isFields(expected))
    return found === expected ? null : `${path} is ${shown(found)}, expected ${shown(expected)}`;
  const { oneOf, atLeast, exactly } = expected;
  if (oneOf !== undefined || atLeast !== undefined) {
    const least = atLeast === 'acknowledged' ? acknowledged : (atLeast as number | undefined);
    if (Array.isArray(oneOf) && !oneOf.includes(found))
      return `${path} is ${shown(found)}, expected one of ${shown(oneOf)}`;
    if (least !== undefined && !(typeof found === 'number' && found >= least))
      return `${path} is ${shown(found)}, expected at least ${least}`;
    return null;
  }
  if (exactly !== undefined)
    return isDeepStrictEqual(found, exactly)
      ? null
      : `${path} is ${shown(found)}, expected exactly ${shown(exactly)}`;
  if (!isFields(found)) return `${path} is ${shown(found)}, expected ${shown(expected)}`;
  return first(Object.keys(expected), (name) =>
    difference(found[name], expected[name], acknowledged, `${path}.${name}`),
  );
}

function first<T>(list: readonly T[], told: (one: T, at: number) => string | null): string | null {
  for (const [at, one] of list.entries()) {
    const what = told(one, at);
    if (what !== null) return what;
  }
  return null;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'left out';
  return text.length <= 200 ? text : `${text.slice(0, 200)}..`;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
