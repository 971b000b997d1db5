import { invalidArgument, isInteger, unknownField } from '../../errors/arguments.js';
import { lackOfBytes, plainBytes } from '../../errors/given-bytes.js';
import { KeelsonError } from '../../errors/index.js';
import { LIMITS } from '../../format/limits.js';
import type { Entry } from '../contract.js';

const ENTRY_FIELDS = ['index', 'term', 'kind', 'data'] as const;

/** Stands where bytes were that have been let go. */
const NO_BYTES = new Uint8Array(0);

/** Used again by the next save, so that a save allocates nothing an entry. Null while one is reading or writing it. */
let idle: GivenEntries | null = null;

/**
 * The entries of one save as they were read: each property of the caller's objects once, in one pass, before anything is
 * judged. A getter, a proxy, or another save from within one of them cannot make the entry that was judged another than the
 * one that is written. Bytes are still the caller's: they are copied once, into the frame, with no code of the caller's
 * between the copy and its sum.
 */
export class GivenEntries {
  /** For a save without entries. */
  static readonly NONE: GivenEntries = new GivenEntries();
  #from = 0;
  #head = 0;
  #until = 0;
  readonly #terms: number[] = [];
  readonly #kinds: number[] = [];
  readonly #data: Uint8Array[] = [];
  readonly #bytes: number[] = [];

  /**
   * Reads entries in order of index: `KEELSON_INVALID_ARGUMENT` names what is wrong, a duplicate or a step back among it;
   * `KEELSON_INDEX_GAP` a hole, `KEELSON_TOO_LARGE` too many.
   */
  static read(value: unknown): GivenEntries {
    if (!Array.isArray(value)) throw invalidArgument('entries', value, 'an array of entries');
    const count = value.length;
    if (count > LIMITS.saveEntriesMax) throw tooMany(count);
    if (count === 0) return GivenEntries.NONE;
    const given = idle ?? new GivenEntries();
    idle = null;
    given.#head = 0;
    given.#until = count;
    for (let at = 0; at < count; at += 1) given.#read(at, value[at]);
    return given;
  }

  #read(at: number, entry: unknown): void {
    if (typeof entry !== 'object' || entry === null)
      throw invalidArgument(`entries[${String(at)}]`, entry, 'an entry');
    for (const field in entry) {
      if (field !== 'index' && field !== 'term' && field !== 'data' && field !== 'kind')
        checkInherited(at, entry, field);
    }
    const { index, term, kind = 0, data } = entry as Readonly<Record<keyof Entry, unknown>>;
    if (!isInteger(index, 1, LIMITS.indexMax)) throw wrongInteger(at, 'index', index, 1, LIMITS.indexMax);
    if (!isInteger(term, 0, LIMITS.integerMax)) throw wrongInteger(at, 'term', term, 0, LIMITS.integerMax);
    if (!isInteger(kind, 0, LIMITS.entryKindMax))
      throw wrongInteger(at, 'kind', kind, 0, LIMITS.entryKindMax);
    const lack = lackOfBytes(data);
    if (lack !== null) throw invalidArgument(`entries[${String(at)}].data`, data, lack);
    if (at === 0) this.#from = index;
    else if (index !== this.#from + at) throw outOfOrder(at, index, this.#from + at);
    const bytes = plainBytes(data as Uint8Array);
    this.#terms[at] = term;
    this.#kinds[at] = kind;
    this.#data[at] = bytes;
    this.#bytes[at] = bytes.length;
  }

  /** Index of the first. */
  get from(): number {
    return this.#from + this.#head;
  }

  /** One above the index of the last. */
  get until(): number {
    return this.#from + this.#until;
  }

  get count(): number {
    return this.#until - this.#head;
  }

  /** Term of the entry at an index of `from .. until - 1`. */
  term(index: number): number {
    return this.#terms[index - this.#from] as number;
  }

  kind(index: number): number {
    return this.#kinds[index - this.#from] as number;
  }

  /** Size of its data, in bytes, as it was read. */
  bytes(index: number): number {
    return this.#bytes[index - this.#from] as number;
  }

  /** Its data, still the caller's: `KEELSON_INVALID_ARGUMENT` if it was transferred away since it was read. */
  data(index: number): Uint8Array {
    const at = index - this.#from;
    const data = this.#data[at] as Uint8Array;
    if (data.length === this.#bytes[at]) return data;
    throw invalidArgument(
      `entries[${String(at)}].data`,
      data,
      'a Uint8Array that was not transferred away while the save was read',
    );
  }

  /** Leaves out the entries below `index`. */
  dropBelow(index: number): void {
    this.#head = Math.min(index - this.#from, this.#until);
  }

  /** Lets the caller's bytes go. Not to be touched any more: the next save reads into it. */
  static release(given: GivenEntries): void {
    if (given === GivenEntries.NONE) return;
    given.#data.fill(NO_BYTES, 0, given.#until);
    given.#head = given.#until = 0;
    if (given.#data.length <= KEPT_MAX) idle = given;
  }
}

/** One that grew beyond this many entries is not kept: one huge save must not hold its memory for ever. */
const KEPT_MAX = 65_536;

/** A field of the entry's own is refused, one of its class is none of ours. */
function checkInherited(at: number, entry: object, field: string): void {
  if (Object.hasOwn(entry, field)) throw unknownField(`entries[${String(at)}]`, field, ENTRY_FIELDS);
}

function wrongInteger(at: number, field: string, found: unknown, min: number, max: number): KeelsonError {
  const expected = `an integer of ${String(min)}..${String(max)}`;
  return invalidArgument(`entries[${String(at)}].${field}`, found, expected);
}

function tooMany(count: number): KeelsonError {
  return new KeelsonError(
    'KEELSON_TOO_LARGE',
    `entries has ${String(count)} entries, at most ${String(LIMITS.saveEntriesMax)} fit in a save; nothing was changed. Split the save.`,
    { argument: 'entries', found: count, expected: LIMITS.saveEntriesMax },
  );
}

function outOfOrder(at: number, found: number, expected: number): KeelsonError {
  const name = `entries[${String(at)}].index`;
  if (found < expected)
    return invalidArgument(name, found, `${String(expected)}, one above the entry before it`);
  return new KeelsonError(
    'KEELSON_INDEX_GAP',
    `${name} is ${String(found)}, expected ${String(expected)}: entries ${String(expected)}..${String(found - 1)} are missing; nothing was changed. Send them too.`,
    { argument: name, index: found, found, expected },
  );
}
