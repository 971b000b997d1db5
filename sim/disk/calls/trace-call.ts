import { checksum } from '../../../src/format/checksum.js';
import type { Trace } from '../../world/trace.js';
import type { Action } from './action.js';
import { CALL_KINDS, type CallKind } from './call-kinds.js';
import type { HappeningKind } from '../../world/run-watch.js';
import { hashOfPath } from '../image/paths.js';

/** A call that has been carried out. */
export interface TracedCall {
  readonly action: Action<unknown>;
  readonly number: number;
  readonly processId: number;
  /** The count that it returned, 0 for other values, -1 if it failed. */
  readonly result: number;
  /** `'ok'`, or the code of its failure. */
  readonly outcome: string;
}

/** What a call does to the disk, where it does anything. */
const KINDS: Readonly<Partial<Record<CallKind, HappeningKind>>> = {
  write: 'write',
  truncate: 'write',
  dataSync: 'sync',
  sync: 'sync',
  syncDirectory: 'sync',
  mkdir: 'name',
  rename: 'name',
  unlink: 'name',
  link: 'name',
};

/** Of other failures a store learns what is there. */
const FAILURES: ReadonlySet<string> = new Set(['EIO', 'ENOSPC', 'EMFILE']);

/** Folds a call, its bytes included, into the trace; as text only where lines are kept. */
export function traceCall(trace: Trace, nowMs: number, call: TracedCall): void {
  const { action, number, processId, result, outcome } = call;
  // What a read brings follows from what was written before, which is folded already.
  const { kind, path, position, length, bytes } = action;
  const sum = bytes === null ? 0 : checksum(bytes);
  trace.fold(number);
  trace.fold(CALL_KINDS.indexOf(kind) + CALL_KINDS.length * processId);
  trace.fold(hashOfPath(path));
  trace.fold(position);
  trace.fold(length);
  trace.fold(result);
  trace.fold(sum);
  trace.fold(Math.floor(nowMs * 1e6));
  if (outcome !== 'ok') trace.foldText(outcome);
  if (!trace.keepsLines) return;
  const range = length > 0 || position > 0 ? ` ${position}+${length}` : '';
  const content = bytes === null ? '' : ` #${sum.toString(16).padStart(8, '0')}`;
  const value = result > 0 ? ` ${result}` : '';
  trace.line(
    `${clockText(nowMs)} p${processId} ${number} ${kind} ${path}${range}${content} ${outcome}${value}`,
    { kind: FAILURES.has(outcome) ? 'fault' : (KINDS[kind] ?? 'call'), path },
  );
}

/** Virtual time as the trace shows it. */
export function clockText(nowMs: number): string {
  return `${nowMs.toFixed(3)} ms`;
}
