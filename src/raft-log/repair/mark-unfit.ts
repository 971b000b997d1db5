import type { Environment } from '../../disk/environment.js';
import { patient } from '../../disk/disk-watch.js';
import { nodeEnvironment } from '../../disk/node-environment.js';
import { checkInteger, given, readFields } from '../../errors/arguments.js';
import { KeelsonError } from '../../errors/index.js';
import { LIMITS } from '../../format/limits.js';
import { StorePaths } from '../../wal/inside.js';
import type { HardState } from '../contract.js';
import type { RaftLogOptions } from '../options-contract.js';
import { openWithFormats } from '../open-raft-log.js';
import type { StoredRaftLog } from '../raft-log.js';
import { giveUpVotes } from '../rules/give-up-votes.js';
import { resolveOptions } from '../rules/options.js';
import { OLDER_FORMATS } from '../switch/older-format.js';

/** Which store to mark, and what the rest of the cluster knows. */
export interface MarkUnfitOptions {
  /** Of the store, as of `openRaftLog`. */
  readonly dir: string;
  /** As of `openRaftLog`, where segments live apart. */
  readonly walDir?: string;
  /**
   * As the other members say it while this server is stopped. Left out: nothing bounds what it may have promised, and
   * it never votes again.
   */
  readonly known?: {
    /** The highest term that any other member has in its hard state: this server has not voted above it. */
    readonly term: number;
    /** The last index of the leader: this server has not helped to commit beyond it. */
    readonly lastIndex: number;
  };
  /** Disk, clock and randomness. Default: `nodeEnvironment()`. */
  readonly environment?: Environment;
}

/** What of a store counts for its vote. */
export interface VotingState {
  /** Term, vote and commit index. */
  readonly hardState: HardState;
  /** 0: fit to vote. `Infinity`: never again. */
  readonly unfitUntil: number;
}

/** What marking a store does, or did. */
export interface UnfitPlan {
  /** `'none'`: it is marked already, at least as far. */
  readonly action: 'none' | 'mark';
  /** As the store is. */
  readonly before: VotingState;
  /** As it is once marked. */
  readonly after: VotingState;
}

/**
 * What {@link markUnfit} would do. Changes nothing, takes no lock.
 *
 * Errors: those of an open with `readOnly`.
 */
export async function planUnfit(options: MarkUnfitOptions): Promise<UnfitPlan> {
  const asked = readOptions(options);
  const { log } = await openWithFormats({ ...asked.place, readOnly: true }, OLDER_FORMATS);
  try {
    return planOf(log, asked);
  } finally {
    await log.close();
  }
}

/**
 * Marks a store that was restored, from a backup, a copy or a snapshot of its volume, unfit to vote: since that was
 * taken it may have voted, and acknowledged entries, and does not know it (docs/corrupting.md). Its term goes above
 * every term in which it may have voted, without a vote; votes are refused with `KEELSON_UNFIT_TO_VOTE` until its
 * commit has reached `known.lastIndex`. Entries, commit and snapshots stay. The server must be stopped.
 *
 * Resolved: durable. A crash inside leaves the store as it was, or marked. Called again it changes nothing.
 *
 * Errors: `KEELSON_INVALID_ARGUMENT`, also for a store that voted in the last term there is, with nothing marked; those
 * of an open with `create: 'never'`; `KEELSON_WRITE_FAILED`,
 * `KEELSON_SYNC_FAILED`.
 */
export async function markUnfit(options: MarkUnfitOptions): Promise<UnfitPlan> {
  const asked = readOptions(options);
  const { place } = asked;
  const segmentBytes = await smallestSegment(place);
  const existing = { ...place, create: 'never', ...segmentBytes } as const;
  const { log, store } = await openWithFormats(existing, OLDER_FORMATS);
  try {
    const plan = planOf(log, asked);
    if (plan.action === 'none') return plan;
    // One atom, which a full disk has room for; then the preamble of a new segment, so that no one file alone knows it.
    await log.markUnfit(plan.after.hardState.term, plan.after.unfitUntil);
    await store.frames.beginSegment();
    return plan;
  } finally {
    await log.close();
  }
}

/** The options as they were read, each property once. */
interface GivenOptions {
  readonly place: Pick<MarkUnfitOptions, 'dir' | 'walDir' | 'environment'>;
  readonly known: MarkUnfitOptions['known'];
}

function readOptions(options: unknown): GivenOptions {
  const { known, ...fields } = readFields('options', options, ['dir', 'walDir', 'known', 'environment'], '');
  const { dir, walDir, environment } = resolveOptions(fields as unknown as RaftLogOptions);
  const place = { dir, ...given({ walDir: walDir ?? undefined, environment }) };
  if (known === undefined) return { place, known };
  const { term, lastIndex } = readFields('known', known, ['term', 'lastIndex']);
  // The store goes one above it.
  checkInteger('known.term', term, 0, LIMITS.integerMax - 1);
  checkInteger('known.lastIndex', lastIndex, 0, LIMITS.indexMax);
  return { place, known: { term, lastIndex } };
}

/** A store of small segments may stand on a small disk: the new one shall be none of the default size. */
async function smallestSegment(options: GivenOptions['place']): Promise<{ readonly segmentBytes?: number }> {
  const { disk } = patient(options.environment ?? nodeEnvironment());
  const paths = new StorePaths(options.dir, options.walDir ?? null);
  let smallest = Infinity;
  for await (const size of paths.segmentSizes(disk)) {
    if (size >= LIMITS.segmentBytesMin) smallest = Math.min(smallest, size);
  }
  return smallest === Infinity ? {} : { segmentBytes: Math.min(smallest, LIMITS.segmentBytesMax) };
}

function planOf({ hardState, unfitUntil }: StoredRaftLog, { known, place }: GivenOptions): UnfitPlan {
  const before = { hardState, unfitUntil };
  const until = known?.lastIndex ?? Infinity;
  const isRefusing = unfitUntil >= until || hardState.commit >= until;
  // A term that is above all others, and in which no vote was given, is as good as the next.
  const isAbove = hardState.term > (known?.term ?? 0) && hardState.vote === null;
  if (isRefusing && isAbove) return { action: 'none', before, after: before };
  if (hardState.term === LIMITS.integerMax && hardState.vote !== null)
    throw lastTermError(place.dir, hardState);
  const highestTerm = Math.max(hardState.term, known?.term ?? 0);
  const marked = giveUpVotes(highestTerm, hardState.commit, Math.max(unfitUntil, until));
  const after = hardState.commit >= marked.unfitUntil ? { ...marked, unfitUntil: 0 } : marked;
  return { action: 'mark', before, after };
}

/** A vote is never taken back within its term, and above this one there is none. */
function lastTermError(dir: string, { term, vote }: HardState): KeelsonError {
  const expected = `a term below ${String(LIMITS.integerMax)}, or no vote in it`;
  return new KeelsonError(
    'KEELSON_INVALID_ARGUMENT',
    `the store in ${dir} voted in term ${String(term)}, the last there is, expected ${expected}: no term is left in which it has not voted. Nothing was marked. Let the server join under a new member id, with an empty store.`,
    { argument: 'dir', path: dir, found: { term, vote }, expected },
  );
}
