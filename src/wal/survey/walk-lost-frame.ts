import type { FrameHeader } from '../../format/frame-header.js';
import { viewOf } from '../../format/integers.js';
import { readRecord, RECORD_HEADER_BYTES, type RawRecord } from '../../format/record.js';

/**
 * The term of a numbered record whose own checksum holds; null if it does not, or the record is none. Only the layer
 * above can tell.
 *
 * @param lowTerm of its frame; null where that is not known, and the record must be of `term`
 */
export type TermOfRecord = (
  record: RawRecord,
  number: number,
  lowTerm: number | null,
  term: number,
) => number | null;

/** Numbered records in a row that cannot be read, and about where they stand. */
export interface UnreadableRun {
  readonly from: number;
  readonly until: number;
  readonly offset: number;
}

/** A frame whose header is whole and whose payload is not, as far as its own records bear it out. */
export interface LostFrame {
  readonly path: string;
  readonly header: FrameHeader;
  /** Records whose own checksum does not hold, or that are not to be found. */
  readonly unreadable: readonly UnreadableRun[];
  /** Of each of its numbered records where it stands in the file, and its term; 0 for those. */
  readonly offsets: Uint32Array;
  readonly terms: Float64Array;
}

/** Places and numbers tried where a length is damaged, in one frame: what is behind counts as lost then. */
const TRIES_MAX = 4_000_000;

/**
 * Finds the records of a frame that its payload's checksum no longer vouches for, by their own: each proves index, term
 * and bytes. One whose length is damaged hides where the next begins, which is looked for byte by byte.
 *
 * @param payload what stands where its payload was, which begins at `offset` in the file
 */
export function walkLostFrame(
  path: string,
  header: FrameHeader,
  payload: Uint8Array,
  offset: number,
  termOf: TermOfRecord,
): LostFrame {
  const { from, until, lowTerm } = header;
  const search = new RecordSearch(payload, (record, number) => termOf(record, number, lowTerm, 0));
  const unreadable: UnreadableRun[] = [];
  const offsets = new Uint32Array(until - from);
  const terms = new Float64Array(until - from);
  for (let number = from; number < until;) {
    const found = search.next(number, until);
    if (found === null || found.number > number)
      unreadable.push({ from: number, until: found?.number ?? until, offset: offset + search.behind });
    if (found === null) break;
    offsets[found.number - from] = offset + found.at;
    terms[found.number - from] = found.term;
    search.pass(found);
    number = found.number + 1;
  }
  return { path, header, unreadable, offsets, terms };
}

interface FoundRecord {
  readonly at: number;
  readonly number: number;
  readonly term: number;
  readonly bodyBytes: number;
}

/** Where in a damaged payload records stand that hold. */
class RecordSearch {
  readonly #payload: Uint8Array;
  readonly #view: DataView;
  readonly #termOf: (record: RawRecord, number: number) => number | null;
  #tries = TRIES_MAX;
  /** Behind the last record that holds: only there the next one has its place for sure. */
  behind = 0;

  constructor(payload: Uint8Array, termOf: (record: RawRecord, number: number) => number | null) {
    this.#payload = payload;
    this.#view = viewOf(payload);
    this.#termOf = termOf;
  }

  /** The first record that holds from here on, numbered `number` or, if some are lost in between, above. */
  next(number: number, until: number): FoundRecord | null {
    return (
      this.#at(this.behind, number, until) ?? this.#asSaid(number + 1, until) ?? this.#anywhere(number, until)
    );
  }

  /** Where the lost one's own length says that the next begins, if that is what is damaged least. */
  #asSaid(number: number, until: number): FoundRecord | null {
    const record = readRecord(this.#payload, this.behind, this.#payload.length, this.#view);
    return record === null
      ? null
      : this.#at(this.behind + RECORD_HEADER_BYTES + record.bodyBytes, number, until);
  }

  #at(at: number, number: number, until: number): FoundRecord | null {
    if (number >= until) return null;
    const record = readRecord(this.#payload, at, this.#payload.length, this.#view);
    const term = record === null ? null : this.#termOf(record, number);
    return record === null || term === null ? null : { at, number, term, bodyBytes: record.bodyBytes };
  }

  #anywhere(number: number, until: number): FoundRecord | null {
    const last = this.#payload.length - RECORD_HEADER_BYTES;
    for (let at = this.behind; at <= last && this.#tries > 0; at += 1) {
      this.#tries -= 1;
      // A length that fits stands in few places: most end here.
      const record = readRecord(this.#payload, at, this.#payload.length, this.#view);
      if (record === null) continue;
      // A lost one took the room of a header at least.
      const beyond = number + Math.floor((at - this.behind) / RECORD_HEADER_BYTES);
      // Itself it can only be where something else stands in front of the first.
      for (
        let one = this.behind === 0 ? number : number + 1;
        one <= beyond && one < until && this.#tries > 0;
        one += 1
      ) {
        this.#tries -= 1;
        const term = this.#termOf(record, one);
        if (term !== null) return { at, number: one, term, bodyBytes: record.bodyBytes };
      }
    }
    return null;
  }

  pass({ at, bodyBytes }: FoundRecord): void {
    this.behind = at + RECORD_HEADER_BYTES + bodyBytes;
  }
}
