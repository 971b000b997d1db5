import type { Random } from '../../world/random.js';
import type { Action } from './action.js';
import type { CallKind } from './call-kinds.js';
import type { CallPlan } from './calls-to-come.js';
import type { Reached } from './counters.js';
import { codeOfFault } from '../harm/faults.js';
import { WriteAction } from './file-actions.js';
import type { FileSystem } from '../image/file-system.js';
import type { Pace } from './latency.js';
import { diskError } from '../image/paths.js';
import { evictPages } from '../harm/process-kill.js';
import { damageWithinBudget } from '../harm/rot.js';
import type { SimulatedProcess } from '../simulated-process.js';

/** Turns what was drawn or directed for a call into what happens to it. */
export class CallOutcome {
  readonly #fs: FileSystem;

  constructor(fs: FileSystem) {
    this.#fs = fs;
  }

  /** What happens as the call is issued: to the world around it, and to its pace. */
  prepare(action: Action<unknown>, plan: CallPlan, process: SimulatedProcess, random: Random): Pace {
    let pace: Pace = 'usual';
    for (const fault of plan.faults) {
      if (fault === 'slow' && pace === 'usual') pace = 'slow';
      else if (fault === 'stuck') pace = 'stuck';
      else if (fault === 'lock-lost') this.loseLocks(process);
      else if (fault === 'bit-rot' || fault === 'unreadable-sector')
        damageWithinBudget(this.#fs, fault, random);
      else if (fault === 'eviction') this.#evict(random);
      else if (fault === 'misdirected-write' && action instanceof WriteAction)
        this.#misdirect(action, random);
    }
    if (pace !== 'usual') this.#fs.count(pace === 'slow' ? 'call-slow' : 'call-stuck');
    return pace;
  }

  /** Does the call: whole, short, or failing. */
  carryOut<T>(action: Action<T>, plan: CallPlan, random: Random): T {
    const code = plan.code ?? this.#drawnCode(plan);
    if (code !== undefined) {
      const reached = reachedByFailure(action.kind, code);
      if (reached !== null) this.#fs.count(reached);
      // Without a descriptor a call does not even begin: a directory is not synced, and so no sync of it has failed.
      if (reached !== 'too-many-open-files') action.fail(this.#fs, random);
      throw diskError(code, action.kind, action.path);
    }
    if (plan.faults.includes('short-read') && action.kind === 'read') {
      this.#fs.count('read-short');
      return action.runShort(this.#fs, random);
    }
    if (plan.faults.includes('short-write') && action.kind === 'write') {
      this.#fs.count('write-short');
      return action.runShort(this.#fs, random);
    }
    return action.run(this.#fs);
  }

  loseLocks(process: SimulatedProcess): boolean {
    if (!process.loseLocks()) return false;
    this.#fs.isFencing = true;
    this.#fs.count('lock-lost');
    return true;
  }

  #drawnCode(plan: CallPlan): string | undefined {
    for (const fault of plan.faults) {
      const code = codeOfFault(fault);
      if (code !== undefined) return code;
    }
    return undefined;
  }

  #evict(random: Random): void {
    for (const node of this.#fs.unsettled) if (node.mayDiffer) evictPages(this.#fs, node, random);
  }

  /** The bytes will land at some other sector of the same file, or of another. */
  #misdirect(action: WriteAction, random: Random): void {
    const { sectorBytes } = this.#fs.profile;
    const files = [...this.#fs.nodes.values()].filter((node) => node.kind === 'file');
    const target = random.pick(files);
    const sector = random.below(Math.max(1, Math.floor(target.durable.size / sectorBytes)));
    action.wrongPlace = { ino: target.ino, position: sector * sectorBytes };
    this.#fs.count('write-misdirected');
  }
}

function reachedByFailure(kind: CallKind, code: string): Reached | null {
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'no-space-injected';
  if (code === 'EMFILE' || code === 'ENFILE') return 'too-many-open-files';
  if (kind === 'read') return 'read-failed';
  if (kind === 'write' || kind === 'truncate') return 'write-failed';
  // Failed syncs are counted where they do their harm.
  if (kind === 'dataSync' || kind === 'sync' || kind === 'syncDirectory') return null;
  return 'metadata-failed';
}
