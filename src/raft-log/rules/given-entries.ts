import { invalidArgument, isInteger, unknownField } from '../../errors/arguments.js';
import { lackOfBytes, plainBytes } from '../../errors/given-bytes.js';
import { KeelsonError } from '../../errors/index.js';
import { LIMITS } from '../../format/limits.js';
import type { Entry } from '../contract.js';

const ENTRY_FIELDS = ['index', 'term', 'kind', 'data'] as const;

/** Room is made for so many entries at once: a list may claim to be longer than its entries are. */
const ROOM_MAX = 1024;

/**
 * The entries of one save as they were read: each property of the caller's objects once, in one pass, before anything is
 * judged. A getter, a proxy, or another save from within one of them cannot make the entry that was judged another than the
 * one that is written. Bytes are still the caller's: they are copied once, into the frame, with no code of the caller's
 * between the pass and the copy, nor between the copy and its sum.
 */
export class GivenEntries {
  /** For a save without entries. */
  static readonly NONE: GivenEntries = new GivenEntries(0, [], [], []);
  #from: number;
  #head = 0;
  readonly #count: number;
  // Made anew for each save: in arrays that live on, the garbage collector would have to be told of each entry's bytes.
  readonly #terms: number[];
  readonly #kinds: number[];
  readonly #data: Uint8Array[];

  private constructor(count: number, terms: number[], kinds: number[], data: Uint8Array[], from: number = 0) {
    this.#count = count;
    this.#from = from;
    this.#terms = terms;
    this.#kinds = kinds;
    this.#data = data;
  }

  /** Entries that were read as columns of one length, by who knows that they are right; they count as read by {@link read}. */
  static of(from: number, terms: number[], kinds: number[], data: Uint8Array[]): GivenEntries {
    return new GivenEntries(data.length, terms, kinds, data, from);
  }

  /**
   * Reads entries in order of index: `KEELSON_INVALID_ARGUMENT` names what is wrong, a duplicate or a step back among it;
   * `KEELSON_INDEX_GAP` a hole, `KEELSON_TOO_LARGE` too many.
   */
  static read(value: unknown): GivenEntries {
    if (value instanceof GivenEntries) return value;
    if (!Array.isArray(value)) throw invalidArgument('entries', value, 'an array of entries');
    const count: unknown = value.length;
    // A proxy of an array may say anything.
    if (!isInteger(count, 0, Infinity)) throw invalidArgument('entries.length', count, 'a count of entries');
    if (count > LIMITS.saveEntriesMax) throw tooMany(count);
    if (count === 0) return GivenEntries.NONE;
    const room = Math.min(count, ROOM_MAX);
    const given = new GivenEntries(
      count,
      new Array<number>(room),
      new Array<number>(room),
      new Array<Uint8Array>(room),
    );
    let bytes = 0;
    for (let at = 0; at < count; at += 1) bytes += given.#read(at, value[at]);
    given.#checkStillThere(bytes);
    return given;
  }

  /** Returns how many bytes its data has. */
  #read(at: number, entry: unknown): number {
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
    checkBytes(at, data);
    if (at === 0) this.#from = index;
    else if (index !== this.#from + at) throw outOfOrder(at, index, this.#from + at);
    const bytes = plainBytes(data);
    this.#terms[at] = term;
    this.#kinds[at] = kind;
    this.#data[at] = bytes;
    return bytes.length;
  }

  /** A getter of a later entry may have transferred away the bytes of an earlier one, which then reads as empty. */
  #checkStillThere(bytes: number): void {
    let found = 0;
    for (let at = 0; at < this.#count; at += 1) found += (this.#data[at] as Uint8Array).length;
    for (let at = 0; found !== bytes && at < this.#count; at += 1) checkBytes(at, this.#data[at]);
  }

  /** Index of the first. */
  get from(): number {
    return this.#from + this.#head;
  }

  /** One above the index of the last. */
  get until(): number {
    return this.#from + this.#count;
  }

  get count(): number {
    return this.#count - this.#head;
  }

  /** Term of the entry at an index of `from .. until - 1`. */
  term(index: number): number {
    return this.#terms[index - this.#from] as number;
  }

  kind(index: number): number {
    return this.#kinds[index - this.#from] as number;
  }

  /** Its data, still the caller's. */
  data(index: number): Uint8Array {
    return this.#data[index - this.#from] as Uint8Array;
  }

  /** Leaves out the entries below `index`. */
  dropBelow(index: number): void {
    this.#head = Math.min(index - this.#from, this.#count);
  }
}

/** A field of the entry's own is refused, one of its class is none of ours. */
function checkInherited(at: number, entry: object, field: string): void {
  if (Object.hasOwn(entry, field)) throw unknownField(`entries[${String(at)}]`, field, ENTRY_FIELDS);
}

function checkBytes(at: number, data: unknown): asserts data is Uint8Array {
  const lack = lackOfBytes(data);
  if (lack !== null) throw invalidArgument(`entries[${String(at)}].data`, data, lack);
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
