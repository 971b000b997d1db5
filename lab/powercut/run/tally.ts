import type { CutPlan } from '../cut/cut-plan.js';
import type { Note } from '../model/note.js';

/** What a run found that may not be. */
export interface FoundViolation {
  readonly text: string;
  /** Number of the cut in the run of this seed; 0: a writer saw it before any cut. */
  readonly cut: number;
  readonly plan: CutPlan | null;
  /** Where image, journal and notes are kept; null where nothing is. */
  readonly kept: string | null;
}

/** What a run did, in figures. */
export class Tally {
  generations = 0;
  kills = 0;
  answered = 0;
  /** Saves refused for want of room, and calls that failed with their fate open. */
  refused = 0;
  failed = 0;
  /** Times that a disk failed for a while, and that one was filled. */
  diskFailures = 0;
  fillings = 0;
  firstCuts = 0;
  nestedCuts = 0;
  /** Cuts that tore blocks, behind which the file system itself could not be mounted or read. */
  fileSystemsLost = 0;
  /** Opened only once there was room. */
  hadNoRoom = 0;
  readonly violations: FoundViolation[] = [];

  get cuts(): number {
    return this.firstCuts + this.nestedCuts;
  }

  /** Counts what the writers of one generation noted. */
  count(notes: readonly Note[]): void {
    for (const note of notes) {
      if (note.what === 'answered') this.answered += 1;
      else if (note.what === 'refused') this.refused += 1;
      else if (note.what === 'failed') this.failed += 1;
      else if (note.what === 'disk' && note.how === 'is full') this.fillings += 1;
      else if (note.what === 'disk' && note.how !== 'has room again') this.diskFailures += 1;
    }
  }

  toJSON(): object {
    return { cuts: this.cuts, ...Object.fromEntries(Object.entries(this)) };
  }
}
