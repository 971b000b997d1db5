import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { PublishedCount } from '../disk/counter.js';
import type { Call } from '../model/call.js';
import type { Note } from '../model/note.js';

/** The notes that a writer takes, each with the number of records at that moment, in a file that is not on the disk. */
export class Notebook {
  readonly #fd: number;
  readonly #count: PublishedCount;
  #seq: number;

  constructor(path: string, count: string) {
    this.#seq = readNotes(path).filter(({ what }) => what === 'asked').length;
    this.#fd = openSync(path, 'a');
    this.#count = new PublishedCount(count, 'read');
  }

  /** How many records the disk has now. */
  get records(): number {
    return this.#count.read();
  }

  /** To be called before the call is made. */
  asked(call: Call): number {
    const seq = this.#seq;
    this.#seq += 1;
    this.note({ at: this.records, what: 'asked', seq, call });
    return seq;
  }

  answered(seq: number): void {
    this.note({ at: this.records, what: 'answered', seq });
  }

  note(note: Note): void {
    writeSync(this.#fd, `${JSON.stringify(note)}\n`);
  }

  close(): void {
    closeSync(this.#fd);
    this.#count.close();
  }
}

export function readNotes(path: string): Note[] {
  if (!existsSync(path)) return [];
  // Each line was one write to a file in memory, which no kill interrupts.
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Note);
}
