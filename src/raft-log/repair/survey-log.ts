import type { LogPiece } from './log-piece.js';
import type { FoundDamage } from '../verify-report.js';
import { join } from 'node:path';
import { StorePaths, StoreToSurvey, type StoreSurvey, type SurveyListener } from '../../wal/inside.js';
import type { Blemish } from '../../wal/report/blemish.js';
import { NO_ENTRIES } from '../../wal/report/damage.js';
import { patient } from '../../disk/disk-watch.js';
import type { Environment } from '../../disk/environment.js';
import { KeelsonError } from '../../errors/index.js';
import { SNAPSHOTS_DIRECTORY_NAME } from '../../format/names.js';
import type { SnapshotName } from '../../format/raft-records.js';
import { surveySnapshots, type SurveyedSnapshot } from '../../snapshot/index.js';
import { publishedName } from '../../snapshot/snapshot-name.js';
import { SnapshotsAtOpen } from '../snapshots/snapshots-at-open.js';
import type { DurableState } from '../state/durable-state.js';
import { PieceListener, type RecordWitness } from './survey-pieces.js';

/** Where to look, and how. */
export interface LogSurveyRequest {
  readonly environment: Environment;
  readonly dir: string;
  readonly walDir: string | null;
  readonly onFrame?: SurveyListener['onFrame'] | undefined;
  readonly onProgress?: ((readBytes: number, totalBytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What stands in a directory: a store, with Raft's log or without, or a checkpoint of one of those. */
export type SurveyedKind = 'wal' | 'raft' | 'checkpoint';

/** A store and the log in it, as far as both can be read. */
export interface LogSurvey {
  readonly paths: StorePaths;
  readonly store: StoreSurvey;
  readonly kind: SurveyedKind;
  readonly pieces: readonly LogPiece[];
  /** Those of them that end at a hole, as they go on past it. */
  readonly pastHoles: readonly LogPiece[];
  /** As of the end of the last stretch; null if none can be replayed. */
  readonly state: DurableState | null;
  readonly witness: RecordWitness;
  readonly snapshots: readonly SurveyedSnapshot[];
  /** The snapshot that the log names; null if it names none. */
  readonly named: SnapshotName | null;
  readonly damages: readonly FoundDamage[];
  readonly blemishes: readonly Blemish[];
  readonly readBytes: number;
}

/**
 * Reads a whole store and replays what can be replayed, past whatever is damaged. Changes nothing, takes no lock.
 *
 * Errors: `KEELSON_NOT_A_LOG`, `KEELSON_INCOMPATIBLE_FORMAT`, `KEELSON_READ_FAILED`, `KEELSON_ABORTED`.
 */
export async function surveyLog(asked: LogSurveyRequest): Promise<LogSurvey> {
  const request = { ...asked, environment: patient(asked.environment) };
  const paths = new StorePaths(request.dir, request.walDir);
  const found = await StoreToSurvey.at(request.environment, paths);
  const survey = await surveyOnce(request, found);
  if (survey.damages.length === 0 || (await found.isStill())) return survey;
  // R10: a writer beside moved the store while it was read. Damage stays where it is; what looked like it, and was the
  // writer's doing, is another thing at another place by now, if it is anything.
  const moved = await StoreToSurvey.at(request.environment, paths);
  const again = await surveyOnce({ ...request, onFrame: undefined }, moved);
  const seen = new Set(survey.damages.map(keyOf));
  return { ...again, damages: again.damages.filter((damage) => seen.has(keyOf(damage))) };
}

function keyOf({ code, path, offset }: FoundDamage): string {
  return `${code} ${offset} ${path}`;
}

async function surveyOnce(request: LogSurveyRequest, found: StoreToSurvey): Promise<LogSurvey> {
  const { environment, paths } = found;
  const { store, pieces } = await surveyPieces(request, found);
  const { checkpoint } = store.slots;
  for (const { tear } of store.segments)
    if (tear !== null && tear.header !== null) pieces.onLost(tear.header);
  pieces.end(store.proven);
  const state = pieces.pieces.at(-1)?.state ?? null;
  const named = state?.snapshotName ?? null;
  const snapshotsDir = join(paths.dir, SNAPSHOTS_DIRECTORY_NAME);
  let readBytes = store.readBytes;
  const snapshots =
    store.lineage === null
      ? []
      : await surveySnapshots({
          disk: environment.disk,
          dir: snapshotsDir,
          lineage: store.lineage,
          named,
          onBytes: (bytes) => {
            readBytes += bytes;
          },
        });
  const canOpen = await opensWithSnapshots(request, paths.dir, store.lineage, state);
  const ofSnapshots = await damagesOfSnapshots(request, snapshotsDir, snapshots, named, canOpen);
  const damages = [...store.damages, ...ofSnapshots.damages];
  return {
    paths,
    store,
    kind: checkpoint === null ? (store.superblock?.storeKind ?? pieces.kind ?? 'raft') : 'checkpoint',
    pieces: pieces.pieces,
    pastHoles: pieces.pastHoles,
    state,
    witness: pieces.witness,
    snapshots,
    named,
    // All of a checkpoint is read before a store is made of it.
    damages: checkpoint === null ? damages : damages.map((damage) => ({ ...damage, canOpen: false })),
    blemishes: [...store.blemishes, ...ofSnapshots.blemishes],
    readBytes,
  };
}

interface Surveyed {
  readonly store: StoreSurvey;
  readonly pieces: PieceListener;
}

/**
 * Without a superblock nobody says where the log begins: where the newest segments do not hold all that was not
 * compacted, others are lost between them and those below, which are read too.
 */
async function surveyPieces(request: LogSurveyRequest, found: StoreToSurvey): Promise<Surveyed> {
  const isKnown = found.slots.superblock !== null || request.onFrame === undefined;
  // Who prints records shall hear each of them once.
  const silent = isKnown ? request : { ...request, onFrame: undefined };
  let from: number | null = null;
  let surveyed = await surveyFrom(silent, found, from);
  while (!surveyed.store.isCovered && surveyed.store.range.below !== null) {
    from = surveyed.store.range.below;
    surveyed = await surveyFrom(silent, found, from);
  }
  return isKnown ? surveyed : surveyFrom(request, found, from);
}

async function surveyFrom(
  { onFrame, onProgress, signal }: LogSurveyRequest,
  found: StoreToSurvey,
  from: number | null,
): Promise<Surveyed> {
  const pieces = new PieceListener(onFrame);
  const { checkpoint } = found.slots;
  if (checkpoint !== null) pieces.ofCheckpoint(checkpoint.file);
  return { store: await found.survey({ listener: pieces, onProgress, signal, from }), pieces };
}

const STAGED =
  'the snapshot that the log names stands under the name of an unfinished one, where a switch of format left it; the next open gives it its own';

/** R8: an open does with the named snapshot if its head and end are whole, or with an older one that the log joins. */
async function opensWithSnapshots(
  { environment }: LogSurveyRequest,
  dir: string,
  lineage: Uint8Array | null,
  state: DurableState | null,
): Promise<boolean> {
  const named = state?.snapshotName ?? null;
  if (state === null || named === null || lineage === null) return true;
  try {
    await new SnapshotsAtOpen(environment, dir, true).find(named, state.joins, lineage);
    return true;
  } catch (error) {
    if (error instanceof KeelsonError && error.family === 'damage') return false;
    throw error;
  }
}

/** R8: the snapshot that the log names must be whole; another one is only an older one that was kept. */
async function damagesOfSnapshots(
  { environment }: LogSurveyRequest,
  dir: string,
  snapshots: readonly SurveyedSnapshot[],
  named: SnapshotName | null,
  canOpen: boolean,
): Promise<{ readonly damages: readonly FoundDamage[]; readonly blemishes: readonly Blemish[] }> {
  const damages: FoundDamage[] = [];
  const blemishes: Blemish[] = [];
  // No entry is lost by it.
  const none = { entries: NO_ENTRIES, intact: [], canOpen };
  let isNamedThere = named === null;
  for (const { index, term, path, damage, checksum, isStaged } of snapshots) {
    const isNamed = named !== null && index === named.index && term === named.term;
    isNamedThere ||= isNamed;
    // It is not damaged: the release that wrote it reads it.
    if (isNamed && damage?.code === 'KEELSON_INCOMPATIBLE_FORMAT') throw damage;
    if (isStaged) blemishes.push({ path, offset: 0, reason: STAGED });
    const offset = damage?.offset ?? 0;
    const reason = damage?.message ?? '';
    if (isNamed && (damage !== null || checksum !== named.checksum)) {
      const other = `its checksum is ${checksum ?? 'unreadable'}, the log names ${named.checksum}`;
      const why = damage === null ? other : reason;
      const code = canOpen ? 'KEELSON_CORRUPT' : 'KEELSON_MISSING_SNAPSHOT';
      damages.push({ code, path, offset, reason: why, ...none });
    } else if (damage !== null) {
      blemishes.push({ path, offset, reason: `${reason} (an older snapshot, which nothing needs)` });
    }
  }
  if (named !== null && !isNamedThere) {
    const path = join(dir, publishedName(named.index, named.term));
    // A writer beside may have replaced it since its record was read: then a newer one is there.
    const isReplaced =
      snapshots.some(({ index }) => index > named.index) && (await environment.disk.stat(path)) === null;
    if (!isReplaced) {
      const reason = `the snapshot is not there, though the log names it (index ${named.index}, term ${named.term})`;
      damages.push({ code: 'KEELSON_MISSING_SNAPSHOT', path, offset: 0, reason, ...none });
    }
  }
  return { damages, blemishes };
}
