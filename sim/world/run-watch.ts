/** What a line of a trace is about, for who draws a run. */
export interface Happening {
  /** What kind of thing happened. */
  readonly kind: HappeningKind;
  /** The file that it concerns. */
  readonly path?: string;
  /** The term in which it stands. */
  readonly term?: number | undefined;
  /** Indexes of the log that it concerns: the first of them. */
  readonly from?: number | undefined;
  /** Behind the last of them. */
  readonly until?: number | undefined;
  /** What begins with one happening and ends with another, a message or a save: the same object in both. */
  readonly of?: object;
}

/** What kind of thing happened. */
export type HappeningKind =
  /** An operation of the plan begins. */
  | 'op'
  /** A fault comes, or meets its call. */
  | 'fault'
  | 'crash'
  | 'start'
  /** A store was opened, and shows what it holds. */
  | 'open'
  | 'lead'
  | 'save'
  | 'saved'
  | 'refused'
  | 'fail'
  | 'send'
  | 'take'
  | 'write'
  | 'sync'
  /** A name is made, moved or taken away. */
  | 'name'
  /** Any other call of the disk. */
  | 'call'
  | 'note'
  /** A rule was broken. */
  | 'found';

/** Told of each line of a trace, and what it is about. */
export type OnHappening = (text: string, about: Happening) => void;

/** Sees a whole run as it happens. The run is the same with it and without. */
export interface RunWatch<Disk> {
  /**
   * A part of the run that tells its own story: a store, a node, or what stands between the nodes.
   *
   * @param held the states that its disk may be left in by a crash at this moment, what was acknowledged first
   * @returns what its trace is to tell
   */
  lane(name: string, disk: Disk | null, held: () => readonly string[]): OnHappening;
}
