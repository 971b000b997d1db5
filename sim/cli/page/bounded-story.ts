import type { FileStrip } from './disk-strip.js';
import type { Moment, RunStory } from './run-story.js';

/** Bytes of data that a page holds at most; with everything else it stays below 2 MB. */
const DATA_BYTES_MAX = 1_500_000;

/** A moment and the line of the picture on which it stands. */
export type PageMoment = Moment & { readonly row: number };

/** As much of a run's end as a page holds, and how the disks stood at its beginning. */
export interface BoundedStory {
  readonly rows: readonly string[];
  readonly moments: readonly PageMoment[];
  /** How many moments in front are left out. */
  readonly left: number;
  /** By lane: the files, and the states allowed, as the moments left out had them. */
  readonly files: readonly Readonly<Record<string, FileStrip>>[];
  readonly held: readonly (readonly string[])[];
}

/** Rows of a single store, by what happens on them; a cluster has one for each node. */
const STORE_ROWS = ['plan', 'saves', 'superblock, marks', 'segments', 'snapshots', 'other files'] as const;

export function bounded({ lanes, moments }: RunStory): BoundedStory {
  const isStore = lanes.length === 1;
  const rowed = moments.map((moment) => ({ ...moment, row: isStore ? rowOf(moment) : moment.lane }));
  let left = rowed.length;
  for (let bytes = 0; left > 0; left -= 1) {
    bytes += JSON.stringify(rowed[left - 1]).length;
    if (bytes > DATA_BYTES_MAX) break;
  }
  const files: Record<string, FileStrip>[] = lanes.map(() => ({}));
  const held: (readonly string[])[] = lanes.map(() => []);
  for (const moment of rowed.slice(0, left)) {
    const known = files[moment.lane] ?? {};
    for (const [path, strip] of Object.entries(moment.files ?? {})) {
      if (strip === null) Reflect.deleteProperty(known, path);
      else known[path] = strip;
    }
    if (moment.held !== undefined) held[moment.lane] = moment.held;
  }
  const shown = rowed.slice(left).map(({ since, ...moment }) => {
    return since === undefined || since < left ? moment : { ...moment, since: since - left };
  });
  return { rows: isStore ? STORE_ROWS : lanes, moments: shown, left, files, held };
}

function rowOf({ kind, path = '' }: Moment): number {
  if (kind === 'save' || kind === 'saved' || kind === 'refused' || kind === 'fail') return 1;
  if (path === '') return 0;
  if (/\/(superblock|marks)$/.test(path)) return 2;
  if (/\/wal(\/|$)/.test(path)) return 3;
  return /\/snapshots(\/|$)/.test(path) ? 4 : 5;
}
