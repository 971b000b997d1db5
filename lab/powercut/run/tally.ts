import type { CutPlan } from '../cut/cut-plan.js';

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

  toJSON(): object {
    const { cuts, generations, kills, answered, firstCuts, nestedCuts, fileSystemsLost, hadNoRoom } = this;
    const { violations } = this;
    return {
      cuts,
      firstCuts,
      nestedCuts,
      generations,
      kills,
      answered,
      fileSystemsLost,
      hadNoRoom,
      violations,
    };
  }
}
