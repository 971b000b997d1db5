import { using } from '../disk/close-file.js';
import { join } from 'node:path';
import type { Disk } from '../disk/index.js';
import { statOf } from '../disk/told-calls.js';
import { isKeelsonError, type KeelsonError } from '../errors/index.js';
import { listOwnNames } from './open-directory.js';
import { namedSnapshotOf, openJudged } from './snapshot-file-reader.js';
import { publishedName, temporaryName } from './snapshot-name.js';
import type { NamedSnapshot, SnapshotRef } from './snapshot-ref.js';
import { verifiedChunks } from './verified-chunks.js';

/** A published snapshot, read to its end. */
export interface SurveyedSnapshot {
  readonly index: number;
  readonly term: number;
  readonly path: string;
  /** It stands under the name of an unfinished one, where a switch of format left it; the next open gives it its own. */
  readonly isStaged: boolean;
  readonly fileBytes: number;
  /** Of the whole file; null, as the next, if it is damaged. */
  readonly checksum: number | null;
  readonly meta: NamedSnapshot['meta'] | null;
  /** What is wrong with it, another format too; null if it is whole. */
  readonly damage: KeelsonError | null;
}

/** Which snapshots to read. */
export interface SnapshotSurveyRequest {
  readonly disk: Disk;
  readonly dir: string;
  readonly lineage: Uint8Array;
  /** The one that the log names; null if it names none. */
  readonly named: SnapshotRef | null;
  readonly onBytes: (bytes: number) => void;
}

/**
 * Reads every published snapshot in `dir`, lowest index first, and says which are whole; and, as an open does, the one
 * that the log names where it still stands under the name of an unfinished one. A snapshot that is deleted meanwhile by
 * a live writer is left out. Errors: `KEELSON_READ_FAILED`.
 */
export async function surveySnapshots(request: SnapshotSurveyRequest): Promise<readonly SurveyedSnapshot[]> {
  const { disk, dir, named } = request;
  const found: SurveyedSnapshot[] = [];
  for (const { parsed } of await listOwnNames(disk, dir)) {
    const snapshot = parsed.kind === 'published' ? await surveySnapshot(request, parsed, false) : null;
    if (snapshot !== null) found.push(snapshot);
  }
  const survey = named === null ? found : await withStaged(request, named, found);
  return [...survey].sort((a, b) => a.index - b.index || a.term - b.term);
}

/** Another file under the name of the snapshot that is staged is none of the log's: an open moves it to quarantine. */
async function withStaged(
  request: SnapshotSurveyRequest,
  named: SnapshotRef,
  published: readonly SurveyedSnapshot[],
): Promise<readonly SurveyedSnapshot[]> {
  const isOfName = ({ index, term }: SurveyedSnapshot): boolean =>
    index === named.index && term === named.term;
  const isNamed = (snapshot: SurveyedSnapshot): boolean =>
    snapshot.damage === null && snapshot.checksum === named.checksum;
  if (published.some((snapshot) => isOfName(snapshot) && isNamed(snapshot))) return published;
  const staged = await surveySnapshot(request, named, true);
  // Gone: an open may have given it its name since.
  const found = staged ?? (await surveySnapshot(request, named, false));
  if (found === null || !isNamed(found)) return published;
  return [...published.filter((snapshot) => !isOfName(snapshot)), found];
}

async function surveySnapshot(
  { disk, dir, lineage, onBytes }: SnapshotSurveyRequest,
  { index, term }: { readonly index: number; readonly term: number },
  isStaged: boolean,
): Promise<SurveyedSnapshot | null> {
  const path = join(dir, isStaged ? temporaryName(index, term) : publishedName(index, term));
  const stat = await statOf(disk, path, 'a snapshot');
  if (stat === null) return null;
  const { size: fileBytes } = stat;
  const base = { index, term, path, isStaged, fileBytes, checksum: null, meta: null, damage: null };
  try {
    const judged = await openJudged(disk, path, lineage, { index, term });
    await using(judged.file, async () => {
      for await (const chunk of verifiedChunks(judged)) onBytes(chunk.length);
    });
    const { ref, meta } = namedSnapshotOf(judged);
    return { ...base, checksum: ref.checksum, meta };
  } catch (error) {
    if (!isKeelsonError(error)) throw error;
    if (error.code === 'KEELSON_MISSING_SNAPSHOT') return null;
    if (error.family !== 'damage') throw error;
    return { ...base, damage: error };
  }
}
