/** Which rule was broken. Each is shown to fire by a bug that is planted in the store. */
export const ORACLES = [
  /** What is recovered is no state that the crash may leave. */
  'recovered-state',
  /** The durable view shows what was never promised, or forgets what was. */
  'durable-view',
  /** Entries or snapshot data that a read returned are not those of any possible state. */
  'read',
  /** A save was refused, or let pass, against the contract. */
  'refusal',
  /** An acknowledgement that the contract forbids: by a writer that was replaced, or with another result. */
  'acknowledgement',
  /** Damage was reported though nothing was damaged. */
  'false-alarm',
  /** A call failed though nothing was wrong with the disk. */
  'failed-without-cause',
  /** What damage did was not named alike by a second open, or that open changed the store. */
  'verdict-not-kept',
  /** Bytes that were never saved were served. */
  'invented-bytes',
  /** One (epoch, LSN) names two different frames. */
  'lsn-reused',
  /** An open resolved, and what it shows is not on the platter yet, or what it cut still is. */
  'tail-not-durable',
  /** A call was made before what it rests on was on the platter. */
  'too-early',
  /** A writer whose directory was moved away touched what stands in its place. */
  'other-store',
  /** What was set aside left the quarantine. */
  'quarantine-shrunk',
  /** Files that were rolled back took along what others still prove, or what was newer was deleted. */
  'rollback',
  /** A clone or a checkpoint is none of the states of its source, or goes on at numbers of it. */
  'copy',
  /** A verification passed over what is damaged. */
  'verify',
  /** R8: an older snapshot that the log joins did not stand in for the damaged newest one. */
  'stand-in',
  /** A repair lost a file, left what cannot be opened, or forgot without saying so. */
  'repair',
  /** Work waited for ever. */
  'stuck',
  /** Open files did not return to where they were, or room did not come back after compaction. */
  'leak',
  /** At 0 bytes free what must still work did not. */
  'full-disk',
  /** The sync of a file that holds what was acknowledged failed, and the log went on. */
  'not-latched',
  /** A log latched though nothing but descriptors was lacking. */
  'latched-for-a-shortage',
  /** An error that is not a KeelsonError, or of a family that does not belong there. */
  'error-type',
] as const;

/** One of {@link ORACLES}. */
export type Oracle = (typeof ORACLES)[number];

/** A broken promise of the store, as the simulator tells it. */
export interface FindingFacts {
  /** The rule that was broken. */
  readonly oracle: Oracle;
  /** What happened, in one sentence. */
  readonly what: string;
  /** What would have been right, one line each. */
  readonly expected?: readonly string[];
  /** What was there instead. */
  readonly found?: string;
  /** The error that showed it, if one did. */
  readonly cause?: unknown;
}

/** Thrown by an oracle; ends the run. Any other error that leaves a run is the simulator's own fault. */
export class Finding extends Error {
  override readonly name = 'Finding';
  readonly facts: FindingFacts;

  constructor(facts: FindingFacts) {
    super(`${facts.oracle}: ${facts.what}`, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.facts = facts;
  }
}
