import type { HeldEnvironment } from '../../disk/held-disk.js';
import { KeelsonError } from '../../errors/index.js';
import { StorePaths } from '../../wal/inside.js';
import { damageError } from '../../wal/report/damage.js';
import type { RecoveryReport } from '../../wal/report/recovery-report.js';
import { surveyLog } from './survey-log.js';

/** Segments of more bytes than this are not read through for the words of an error: `keelson verify` takes that time. */
const READ_BYTES_MAX = 1_073_741_824;

/** What a survey can say more of. */
const OF_SEGMENTS: ReadonlySet<string> = new Set([
  'KEELSON_CORRUPT',
  'KEELSON_LOG_GAP',
  'KEELSON_MISSING_SEGMENT',
]);

/** Where the store is that was not opened. */
interface Place {
  readonly environment: HeldEnvironment;
  readonly dir: string;
  /** Null: `wal` inside `dir`. */
  readonly walDir: string | null;
  readonly signal: AbortSignal | undefined;
}

/**
 * The error of an open that met damage, with the entries that a survey finds lost there, each by its own checksum: the
 * open itself judges by frames, whole or not, and by segments, there or not. Only a refused open pays for it; any other error comes back as it is, as
 * does one that the survey, for whatever reason, has nothing to say of.
 */
export async function tellExactly(error: unknown, place: Place): Promise<unknown> {
  if (!(error instanceof KeelsonError)) return error;
  const recovery = error.recovery as RecoveryReport | undefined;
  const damage = recovery?.damage ?? null;
  if (recovery === undefined || damage === null || !OF_SEGMENTS.has(error.code)) return error;
  // That has words of its own.
  if (damage.reason === error.message) return error;
  try {
    if (!(await isReadSoon(place))) return error;
    const { damages } = await surveyLog(place);
    const found = damages.find(
      ({ code, path, offset }) => code === error.code && path === damage.path && offset === damage.offset,
    );
    if (found === undefined) return error;
    const { entries, intact } = found;
    return damageError(error.code, { ...recovery, damage: { ...damage, entries, intact } });
  } catch {
    return error;
  }
}

async function isReadSoon({ environment: { disk }, dir, walDir }: Place): Promise<boolean> {
  const paths = new StorePaths(dir, walDir);
  let bytes = 0;
  for await (const size of paths.segmentSizes(disk)) {
    bytes += size;
    if (bytes > READ_BYTES_MAX) return false;
  }
  return true;
}
