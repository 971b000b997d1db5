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
  const kinds = eventKinds(notes);
  const at =
    kinds.length > 0 && random.chance(0.6)
      ? random.one(random.one(kinds)) + random.one([0, 0, 0, 0, 1, 1, 2, 3, 5])
      : random.between(0, records);
  return { at: Math.min(at, records), mode: random.one(DRAWN), seed: random.seed() };
}

/** Places of events, a list for each kind: answers of saves are many, and would hide all others. */
function eventKinds(notes: readonly Note[]): number[][] {
  const saves = new Set(
    notes.flatMap((note) => (note.what === 'asked' && note.call.name === 'save' ? [note.seq] : [])),
  );
  const places = (is: (note: Note) => boolean): number[] => notes.filter(is).map(({ at }) => at);
  return [
    places((note) => note.what === 'answered' && saves.has(note.seq)),
    places((note) => note.what === 'answered' && !saves.has(note.seq)),
    places((note) => note.what === 'opened' && note.more),
    places((note) => note.what === 'opened' && !note.more),
    places(({ what }) => what === 'opening' || what === 'failed' || what === 'refused'),
  ].filter((kind) => kind.length > 0);
}

/** Whether it tears what the file systems take for one: then their own metadata may be lost as well. */
export function tearsBlocks({ mode }: CutPlan): boolean {
  return mode === 'torn-512' || mode === 'part-of-sector';
}
