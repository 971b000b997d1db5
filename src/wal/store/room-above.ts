import { KeelsonError } from '../../errors/index.js';
import { LIMITS } from '../../format/limits.js';

/** Numbers from which a writer counts on. */
export interface Counted {
  readonly epoch: number;
  /** Of the superblock. */
  readonly generation: number;
  readonly segment: number;
  readonly lsn: number;
}

const ENDS: Readonly<Record<keyof Counted, number>> = {
  epoch: LIMITS.epochMax,
  generation: LIMITS.countedMax,
  segment: LIMITS.countedMax,
  lsn: LIMITS.countedMax,
};

/** D9: why nobody can count on from there; null if a writer can. A field that wraps would let an older writer back in (D11). */
export function whyNoneAbove(counted: Counted): string | null {
  for (const name of Object.keys(ENDS) as (keyof Counted)[])
    if (counted[name] > ENDS[name])
      return `its ${name} is ${counted[name]}, expected at most ${ENDS[name]}, from where on there is no room to count; no use of a store comes there`;
  return null;
}

/** Throws `KEELSON_CORRUPT` if nobody can write behind these numbers. To be called before anything is written. */
export function checkRoomAbove(path: string, counted: Counted): void {
  const reason = whyNoneAbove(counted);
  if (reason === null) return;
  throw new KeelsonError(
    'KEELSON_CORRUPT',
    `${path} cannot be written on: ${reason}. Nothing was changed. Open it with readOnly to read it; let this server join again as a new member, with an empty directory`,
    { path, offset: 0 },
  );
}
