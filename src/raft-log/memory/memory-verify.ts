import { KeelsonError } from '../../errors/index.js';
import type { MemoryState } from './memory-state.js';
import type { VerifyReport } from '../verify-report.js';

/** The verification of a log in memory, where nothing can rot: the counts of a log on a disk, and never a damage. */
export function verifyMemory(state: MemoryState, signal: AbortSignal | undefined): VerifyReport {
  if (signal?.aborted === true) {
    const cause: unknown = signal.reason;
    throw new KeelsonError('KEELSON_ABORTED', 'the verification was abandoned by its signal.', {}, cause);
  }
  return Object.freeze({
    verdict: 'sound',
    damage: [],
    blemishes: [],
    notes: [],
    segments: 0,
    frames: 0,
    entries: state.lastIndex - state.firstIndex + 1,
    snapshots: state.snapshot === null ? 0 : 1,
    readBytes: 0,
    ms: 0,
  });
}
