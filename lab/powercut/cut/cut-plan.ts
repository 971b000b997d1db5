import type { Note } from '../model/note.js';
import type { Random } from '../random.js';

/** What becomes of the writes that no flush covers. */
export const CUT_MODES = ['none', 'all', 'some', 'later', 'torn-4096', 'torn-512', 'part-of-sector'] as const;
export type CutMode = (typeof CUT_MODES)[number];

/** One power cut: everything that it needs besides the journal. */
export interface CutPlan {
  /** How many records the disk had taken. */
  readonly at: number;
  readonly mode: CutMode;
  /** Decides which writes, and where they tear. */
  readonly seed: number;
}

/** Tears of less than a block break the file systems' own metadata before anything else: fewer of them. */
const DRAWN: readonly CutMode[] = [
  ...Array<CutMode>(4).fill('none'),
  ...Array<CutMode>(2).fill('all'),
  ...Array<CutMode>(5).fill('some'),
  ...Array<CutMode>(3).fill('later'),
  ...Array<CutMode>(3).fill('torn-4096'),
  'torn-512',
  'part-of-sector',
];

/** 40 % anywhere, 60 % at an event of the notes or a few records behind it. */
export function drawCut(random: Random, records: number, notes: readonly Note[]): CutPlan {
  const events = notes.filter(({ what }) => what !== 'asked' && what !== 'disk');
  const isAtEvent = events.length > 0 && random.chance(0.6);
  const at = isAtEvent
    ? random.one(rareOnes(random, notes, events)).at + random.one([0, 0, 0, 1, 1, 2, 3, 5])
    : random.between(0, records);
  return { at: Math.min(at, records), mode: random.one(DRAWN), seed: random.seed() };
}

/** Answers of saves are many; every other time it is an open, or the answer of another call. */
function rareOnes(random: Random, notes: readonly Note[], events: readonly Note[]): readonly Note[] {
  if (random.chance(0.5)) return events;
  const saves = new Set(
    notes.flatMap((note) => (note.what === 'asked' && note.call.name === 'save' ? [note.seq] : [])),
  );
  const rare = events.filter((note) => note.what !== 'answered' || !saves.has(note.seq));
  return rare.length > 0 ? rare : events;
}
