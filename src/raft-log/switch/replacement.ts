import { isKeelsonError } from '../../errors/index.js';
import { encodeRaftPreamble } from '../../format/raft-records.js';
import { NO_VALUES } from '../../format/stable-values.js';
import type { OlderStores, Replacement } from '../../wal/inside.js';
import type { DurableState } from '../state/durable-state.js';
import { refill } from '../state/refill.js';
import type { OlderFormat, OlderPlace } from './older-format.js';
import type { ResolvedOptions } from '../rules/options.js';
import { resetState, type GivenUp } from './reset-state.js';
import type { SnapshotsAtOpen } from '../snapshots/snapshots-at-open.js';

export interface ReplacementParts {
  readonly formats: readonly OlderFormat[];
  readonly options: ResolvedOptions;
  readonly environment: OlderPlace['environment'];
  readonly durable: DurableState;
  readonly snapshots: SnapshotsAtOpen;
}

/** What the wal asks when it meets a store of an older format: what it is, and what shall take its place. */
export function olderStores(parts: ReplacementParts): OlderStores {
  const { options, environment } = parts;
  return {
    onOlder: options.onOlderFormat,
    recognise: (superblock, { dir, walDir }) => {
      for (const format of parts.formats) {
        const found = format.recognise(superblock);
        if (found === null) continue;
        const place = { environment, dir, walDir, superblock };
        return {
          ...found,
          version: format.version,
          stamped: (epoch) => format.stamped(superblock, epoch),
          prepare: () => (options.onOlderFormat === 'reset' ? reset : migration)(parts, format, place),
        };
      }
      return null;
    },
  };
}

/** All that the old log holds, in the new format, above every number that the old one used. */
async function migration(
  { durable, snapshots, options }: ReplacementParts,
  format: OlderFormat,
  place: OlderPlace,
): Promise<Replacement> {
  const older = await format.read(place);
  const { hardState, boundary, unfitUntil, stable } = older;
  return {
    lineage: older.lineage,
    above: older.seen,
    end: { lastIndex: boundary.index, lastTerm: boundary.term },
    begin: async (lineage) => {
      const snapshot = older.snapshot === null ? null : await snapshots.stage(older.snapshot, lineage);
      return encodeRaftPreamble({ hardState, boundary, unfitUntil, stable, snapshot });
    },
    fill: async (log) => {
      await refill(log, durable, options.segmentBytes, older.entries());
      const { lastIndex } = durable;
      if (lastIndex !== older.lastIndex)
        throw new RangeError(`entries up to ${lastIndex} were read, expected ${older.lastIndex}`);
    },
  };
}

/** An empty log where the host says that its state machine stands. */
async function reset(
  { options }: ReplacementParts,
  format: OlderFormat,
  place: OlderPlace,
): Promise<Replacement> {
  const { resetTo } = options;
  if (resetTo === null) throw new RangeError('options let no reset pass without resetTo');
  const known = await readOrRuins(format, place);
  const { index, term } = resetTo;
  const { hardState, unfitUntil } = resetState(resetTo, known);
  const { stable } = known;
  return {
    // Another store: what the old one left under names of ours is none of it.
    lineage: null,
    above: known.seen,
    end: { lastIndex: index, lastTerm: term },
    begin: () =>
      Promise.resolve(
        encodeRaftPreamble({ hardState, boundary: { index, term }, unfitUntil, stable, snapshot: null }),
      ),
    fill: () => Promise.resolve(),
  };
}

async function readOrRuins(format: OlderFormat, place: OlderPlace): Promise<GivenUp> {
  try {
    const { seen, hardState, lastIndex, unfitUntil, stable } = await format.read(place);
    return { seen, hardState, acknowledgedUntil: lastIndex, unfitUntil, stable, damage: null };
  } catch (error) {
    if (!isKeelsonError(error) || error.family !== 'damage') throw error;
    const { seen, acknowledgedUntil } = await format.ruins(place);
    return {
      seen,
      hardState: null,
      acknowledgedUntil,
      unfitUntil: acknowledgedUntil,
      stable: NO_VALUES,
      damage: error,
    };
  }
}
