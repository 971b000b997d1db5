import { patient } from '../disk/disk-watch.js';
import type { Environment } from '../disk/environment.js';
import { holdingNames, type HeldEnvironment } from '../disk/held-disk.js';
import { StoreUnderRepair } from '../wal/inside.js';
import { rebuildLog } from './repair/rebuild-log.js';
import { planRepair, type InnerPlan, type RepairPlan } from './repair/repair-plan.js';
import { surveyLog, type LogSurvey } from './repair/survey-log.js';

/** Which store to repair. */
export interface RepairRequest {
  readonly environment: Environment;
  readonly dir: string;
  /** Null: `wal` inside `dir`. */
  readonly walDir: string | null;
  readonly onProgress?: ((readBytes: number, totalBytes: number) => void) | undefined;
}

/** Its disk holds the names of the store, from the lock on. */
type HeldRequest = RepairRequest & { readonly environment: HeldEnvironment };

/** What a repair did. */
export interface RepairReport extends RepairPlan {
  /** Where the files are that were set aside. */
  readonly quarantined: readonly string[];
}

/**
 * Without a superblock nobody knows how often the store was opened since its last frame: the new epoch keeps this far
 * off the highest one that is known, so that a writer of any of those opens is fenced (D11).
 */
const EPOCHS_UNSEEN = 1024;

/** What a repair would do. Changes nothing, takes no lock. Errors: those of a survey. */
export async function planStoreRepair(request: RepairRequest): Promise<RepairPlan> {
  return planRepair(await surveyLog(request)).plan;
}

/**
 * Repairs a store: keeps what the plan says, moves everything that it replaces to `quarantine/`, deletes nothing. A crash
 * inside leaves the store as it was, or repaired, or such that another repair completes it: all that is new is written
 * beside what is there, and counts by one write of the superblock. What is moved is moved behind that: until then the
 * old files are live, and a server may still open a store of which only a sealed segment is damaged (R12).
 *
 * Errors: `KEELSON_LOCKED`; those of a survey; `KEELSON_NO_SPACE`, `KEELSON_WRITE_FAILED`, `KEELSON_SYNC_FAILED`.
 */
export async function repairStore(asked: RepairRequest): Promise<RepairReport> {
  const request: HeldRequest = { ...asked, environment: holdingNames(patient(asked.environment)) };
  const first = await surveyLog(request);
  const { plan } = planRepair(first);
  if (plan.action === 'none' || plan.action === 'impossible') return { ...plan, quarantined: [] };
  const folder = `repair-${String(epochOf(first)).padStart(16, '0')}`;
  const store = await StoreUnderRepair.lock(request.environment, first.paths, folder);
  try {
    const kept = await store.keepWrittenOver(noteOf(plan));
    await store.stamp(first.store.highestEpoch);
    const survey = await surveyLog(request);
    const done = await carryOut(store, survey, planRepair(survey));
    // As it was found: by now an empty superblock may stand where none was.
    return { ...done, damage: plan.damage, quarantined: [...kept, ...done.quarantined] };
  } finally {
    await store.release();
  }
}

function epochOf({ store }: LogSurvey): number {
  return store.highestEpoch + (store.superblock === null ? EPOCHS_UNSEEN : 1);
}

/** For the person who finds what was set aside. */
function noteOf({ why, damage, lost, result }: RepairPlan): string {
  const lines = [
    `Set aside by a repair: ${why}.`,
    ...damage.map(({ code, path, offset, reason }) => `${code} ${path} at byte ${offset}: ${reason}`),
    `What was lost: ${JSON.stringify(lost, unbounded)}`,
    `The log since: ${JSON.stringify(result, unbounded)}`,
    'Nothing in this directory is used any more, and nothing deletes it.',
  ];
  return `${lines.join('\n')}\n`;
}

/** JSON has no infinity. */
function unbounded(_key: string, value: unknown): unknown {
  return value === Infinity ? 'unbounded' : value;
}

/** Does what the plan says, under the lock. */
async function carryOut(
  repaired: StoreUnderRepair,
  survey: LogSurvey,
  inner: InnerPlan,
): Promise<RepairReport> {
  const { plan } = inner;
  if (plan.action === 'none' || plan.action === 'impossible') return { ...plan, quarantined: [] };
  if (survey.store.superblock === null) await rebuildSlots(repaired, survey, inner);
  if (plan.action === 'rebuild-superblock') return { ...plan, quarantined: [] };
  const others = snapshotsGivenUp(survey, inner);
  return { ...plan, quarantined: await rebuildLog(repaired, survey, inner, epochOf(survey), others) };
}

function rebuildSlots(
  repaired: StoreUnderRepair,
  survey: LogSurvey,
  { plan, piece }: InnerPlan,
): Promise<void> {
  const { range, proven, lineage, segments, highestLsn } = survey.store;
  const epoch = epochOf(survey);
  const last = segments[segments.length - 1];
  const isWhole = piece !== null && !plan.lost.mayBeAcknowledged;
  // What stands behind the end is nobody's; but where the end is not known, behind the last frame that is.
  const end = isWhole ? piece.lastLsn : Math.max(last?.run?.lastLsn ?? proven.lsn, highestLsn);
  return repaired.rebuildSlots({
    lineage,
    epoch,
    fenceEpoch: epoch,
    fenceLsn: end + 1,
    firstSegment: range.first,
    newestSegment: Math.max(range.newest, last?.number ?? range.newest),
    proven,
  });
}

/** What is kept holds none of these: damaged, or of a branch or an index that was given up. Open would delete them. */
function snapshotsGivenUp({ snapshots }: LogSurvey, { plan }: InnerPlan): readonly string[] {
  const kept = plan.result?.snapshot ?? null;
  return snapshots
    .filter(({ index, term, damage }) => {
      if (damage !== null || kept === null || index > kept.index) return true;
      return index === kept.index && term !== kept.term;
    })
    .map(({ path }) => path);
}
