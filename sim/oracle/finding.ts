/** Which rule was broken. Each is shown to fire by a bug that is planted in the store. */
export const RULES = {
  'recovered-state': 'What is recovered is no state that the crash may leave.',
  'durable-view': 'The durable view shows what was never promised, or forgets what was.',
  'accepted-view':
    'The view of what is accepted keeps what has failed, or shows what was queued otherwise than it was saved.',
  read: 'Entries or snapshot data that a read returned are not those of any possible state.',
  refusal: 'A save was refused, or let pass, against the contract.',
  acknowledgement:
    'An acknowledgement that the contract forbids: by a writer that was replaced, or with another result.',
  events: 'An event was told twice, out of order, or before the log shows what it tells of.',
  'false-alarm': 'Damage was reported though nothing was damaged.',
  'failed-without-cause': 'A call failed though nothing was wrong with the disk.',
  'verdict-not-kept': 'What damage did was not named alike by a second open, or that open changed the store.',
  'invented-bytes': 'Bytes that were never saved were served.',
  'lsn-reused': 'One (epoch, LSN) names two different frames.',
  'tail-not-durable':
    'An open resolved, and what it shows is not on the platter yet, or what it cut still is.',
  'too-early': 'A call was made before what it rests on was on the platter.',
  'other-store':
    "A writer whose directory was moved away, or that was replaced, touched what stands in its place, or is its successor's; or none had looked whether it was.",
  'quarantine-shrunk': 'What was set aside left the quarantine.',
  rollback: 'Files that were rolled back took along what others still prove, or what was newer was deleted.',
  copy: 'A clone or a checkpoint is none of the states of its source, or goes on at numbers of it.',
  verify: 'A verification passed over what is damaged.',
  'stand-in': 'R8: an older snapshot that the log joins did not stand in for the damaged newest one.',
  repair: 'A repair lost a file, left what cannot be opened, or forgot without saying so.',
  stuck: 'Work waited for ever.',
  leak: 'Open files did not return to where they were, or room did not come back after compaction.',
  'full-disk': 'At 0 bytes free what must still work did not.',
  'not-latched':
    'The sync of a file that holds what was acknowledged failed, and the log went on; or something was changed once it had latched.',
  'latched-for-a-shortage': 'A log latched though nothing but descriptors was lacking.',
  'error-type': 'An error that is not a KeelsonError, or of a family that does not belong there.',
} as const;

/** The name of such a rule, as a failure prints it. */
export type Oracle = keyof typeof RULES;

/** The names of all of them. */
export const ORACLES: readonly Oracle[] = Object.keys(RULES) as Oracle[];

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
