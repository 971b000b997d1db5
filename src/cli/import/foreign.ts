import { KeelsonError } from '../../errors/index.js';
import type { ForeignLog } from '../../raft-log/copies/import-log.js';

/** A foreign log, and what of it an importer tells a person. */
export interface FoundForeign extends ForeignLog {
  /** The newest snapshot that it names, whose data stands elsewhere; null if it names none. Asked for at the end. */
  snapshot(): { readonly index: number; readonly term: number } | null;
  /** What was left out, one sentence each. Asked for at the end. */
  left(): readonly string[];
}

/** What is said of a foreign log that is not what its program wrote. */
export function foreignDamage(path: string, offset: number, why: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_CORRUPT',
    `${path} is damaged at byte ${offset}: ${why}. Nothing was imported, and nothing there was changed. Import the log of another member.`,
    { path, offset },
  );
}

/** What is said of something that is no log of that form. */
export function noForeignLog(path: string, why: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_NOT_A_LOG',
    `${path} cannot be imported: ${why}. Nothing was imported, and nothing there was changed. Check the path, and what --from says.`,
    { path },
  );
}
