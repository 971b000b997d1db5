import { encodeStable } from '../../format/stable-values.js';
import {
  encodeBoundary,
  encodeHardState,
  encodeSnapshotName,
  encodeUnfit,
  RAFT_RECORD_KINDS,
  type ControlRecord,
  type SnapshotName,
} from '../../format/raft-records.js';
import type { HardState } from '../contract.js';
import type { SnapshotMeta } from '../snapshot-contract.js';
import type { GivenEntries } from '../rules/given-entries.js';
import type { SavePlan } from '../rules/judge-save.js';
import type { SnapshotPlan } from '../rules/judge-snapshot.js';
import type { LogView } from '../rules/log-view.js';
import type { FrameEffect } from './durable-state.js';
import { LogFrame } from './log-frame.js';
import { frozenHardState } from './own-copies.js';

/** The frame of a save. */
export function draftSave(view: LogView, plan: SavePlan): LogFrame {
  const { keepUntil, entries, hardState, stable, lastTerm } = plan;
  const controls: ControlRecord[] = [];
  if (plan.hardStateChanged)
    controls.push({ kind: RAFT_RECORD_KINDS.hardState, body: encodeHardState(hardState) });
  if (stable.size > 0) controls.push({ kind: RAFT_RECORD_KINDS.stable, body: encodeStable(stable) });
  // With entries, the frame's own range says what was dropped.
  if (entries.count === 0 && keepUntil <= view.lastIndex) {
    controls.push({ kind: RAFT_RECORD_KINDS.truncation, body: new Uint8Array(0) });
  }
  const { low: lowTerm, high: highTerm, terms } = termsOf(entries, lastTerm);
  const entryCount = entries.count;
  const fields = {
    from: keepUntil,
    until: keepUntil + entryCount,
    lowTerm,
    highTerm,
    lastTerm,
    resets: false,
  };
  // What is accepted is frozen already.
  const after = plan.hardStateChanged ? frozenHardState(hardState) : view.hardState;
  const effect =
    stable.size > 0
      ? { keepUntil, entryCount, terms, hardState: after, stable }
      : { keepUntil, entryCount, terms, hardState: after };
  const urgency = entryCount > 0 ? 'entries' : 'control';
  return new LogFrame({ fields, effect, urgency, controls, entries });
}

/** The frame of the hard state that came with a snapshot which the log has already. */
export function draftHardState(plan: SnapshotPlan): LogFrame {
  const hardState = frozenHardState(plan.hardState);
  return withoutEntries(plan, 'control', [hardStateRecord(hardState)], { hardState });
}

/** The frame that makes a snapshot count: the host's own, or a leader's that replaces the log (one record, one atom). */
export function draftSnapshot(plan: SnapshotPlan, ref: SnapshotName, meta: SnapshotMeta): LogFrame {
  const { keepsLog, index, term } = plan;
  const hardState = frozenHardState(plan.hardState);
  const controls: ControlRecord[] = [
    { kind: RAFT_RECORD_KINDS.snapshot, body: encodeSnapshotName(ref, keepsLog) },
  ];
  if (plan.hardStateChanged) controls.push(hardStateRecord(hardState));
  const snapshot = { ref, meta };
  const effect = keepsLog ? { hardState, snapshot } : { hardState, snapshot, resetTo: { index, term } };
  return withoutEntries(plan, 'record', controls, effect);
}

/** The frame that keeps the server from voting. */
export function draftUnfit(view: LogView, hardState: HardState, unfitUntil: number): LogFrame {
  const unfit: ControlRecord = { kind: RAFT_RECORD_KINDS.unfit, body: encodeUnfit(unfitUntil) };
  return withoutEntries(view, 'control', [unfit, hardStateRecord(hardState)], { hardState, unfitUntil });
}

/** The frame that drops entries from the front. */
export function draftCompaction(view: LogView, upTo: number): LogFrame {
  const body = encodeBoundary({ index: upTo, term: view.term(upTo) });
  const controls: ControlRecord[] = [{ kind: RAFT_RECORD_KINDS.compaction, body }];
  return withoutEntries(view, 'record', controls, { hardState: view.hardState, compactedTo: upTo });
}

function hardStateRecord(hardState: HardState): ControlRecord {
  return { kind: RAFT_RECORD_KINDS.hardState, body: encodeHardState(hardState) };
}

/** A frame of records alone, behind which the log ends as it says; with `resetTo` it is all that the log is. */
function withoutEntries(
  { lastIndex, lastTerm }: Pick<LogView, 'lastIndex' | 'lastTerm'>,
  urgency: LogFrame['urgency'],
  controls: readonly ControlRecord[],
  effect: Omit<FrameEffect, 'keepUntil' | 'entryCount' | 'terms'>,
): LogFrame {
  const from = lastIndex + 1;
  const resets = effect.resetTo !== undefined;
  const fields = { from, until: from, lowTerm: lastTerm, highTerm: lastTerm, lastTerm, resets };
  const whole = { keepUntil: from, entryCount: 0, terms: lastTerm, ...effect };
  return new LogFrame({ fields, effect: whole, urgency, controls });
}

function termsOf(
  entries: GivenEntries,
  lastTerm: number,
): { low: number; high: number; terms: number | number[] } {
  let low = lastTerm;
  let high = lastTerm;
  for (let index = entries.from; index < entries.until; index += 1) {
    const term = entries.term(index);
    if (term < low) low = term;
    if (term > high) high = term;
  }
  if (low === high) return { low, high, terms: low };
  const terms = Array.from({ length: entries.count }, (_, at) => entries.term(entries.from + at));
  return { low, high, terms };
}
