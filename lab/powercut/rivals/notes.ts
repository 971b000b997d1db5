import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { content } from '../model/content.js';

/** One write, and how many records the disk had before it was asked and, once it was, behind the answer. */
export interface RivalNote {
  readonly seq: number;
  readonly bytes: number;
  readonly askedAt: number;
  readonly answeredAt?: number;
}

export function noteRival(path: string, note: RivalNote): void {
  appendFileSync(path, `${JSON.stringify(note)}\n`);
}

/** The newest note of each write. */
export function readRivalNotes(path: string): readonly RivalNote[] {
  if (!existsSync(path)) return [];
  const notes = new Map<number, RivalNote>();
  for (const line of readFileSync(path, 'utf8').split('\n'))
    if (line !== '') notes.set((JSON.parse(line) as RivalNote).seq, JSON.parse(line) as RivalNote);
  return [...notes.values()];
}

export function keyOf(seq: number): string {
  return String(seq).padStart(8, '0');
}

/** What is wrong with what a store holds that was cut behind so many records; null for nothing. */
export function rivalFault(
  held: ReadonlyMap<string, Buffer>,
  notes: readonly RivalNote[],
  cutAt: number,
): string | null {
  const asked = new Map(
    notes.filter(({ askedAt }) => askedAt <= cutAt).map((note) => [keyOf(note.seq), note]),
  );
  for (const [key, value] of held) {
    const note = asked.get(key);
    if (note === undefined) return `${key} is there, and was not asked for`;
    if (!value.equals(content(note.seq, note.bytes))) return `${key} holds other bytes than were written`;
  }
  for (const [key, { answeredAt }] of asked)
    if (answeredAt !== undefined && answeredAt <= cutAt && !held.has(key))
      return `${key} was answered, and is gone`;
  return null;
}
