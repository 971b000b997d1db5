import { entryChecksum } from '../../format/entry-checksum.js';
import type { FrameFields } from '../../format/frame-header.js';
import {
  controlRecordBytes,
  encodeBoundary,
  encodeHardState,
  encodeSnapshotName,
  entryRecordBytes,
  putControlRecord,
  putEntryRecord,
  RAFT_RECORD_KINDS,
  type ControlRecord,
  type SnapshotName,
} from '../../format/raft-records.js';
import type { FrameUrgency } from '../../wal/write/queued-frame.js';
import type { Entry, SnapshotMeta } from '../contract.js';
import type { FrameEffect } from './durable-state.js';
import type { SavePlan } from '../rules/judge-save.js';
import type { SnapshotPlan } from '../rules/judge-snapshot.js';
import type { LogView } from '../rules/log-view.js';

/** A frame about to be accepted: what it says, and what it will have done once it is durable. */
export interface FrameDraft {
  readonly fields: FrameFields;
  readonly effect: FrameEffect;
  readonly urgency: FrameUrgency;
  readonly controls: readonly ControlRecord[];
  readonly entries: readonly Entry[];
  readonly payloadBytes: number;
}

/** The frame of a save. */
export function draftSave(view: LogView, plan: SavePlan): FrameDraft {
  const { keepUntil, entries, hardState, lastTerm } = plan;
  const controls: ControlRecord[] = [];
  if (plan.hardStateChanged)
    controls.push({ kind: RAFT_RECORD_KINDS.hardState, body: encodeHardState(hardState) });
  // With entries, the frame's own range says what was dropped.
  if (entries.length === 0 && keepUntil <= view.lastIndex) {
    controls.push({ kind: RAFT_RECORD_KINDS.truncation, body: new Uint8Array(0) });
  }
  const { low, high, terms } = termsOf(entries, lastTerm);
  const fields = {
    from: keepUntil,
    until: keepUntil + entries.length,
    lowTerm: low,
    highTerm: high,
    lastTerm,
    resets: false,
  };
  const effect = { keepUntil, entryCount: entries.length, terms, hardState: Object.freeze({ ...hardState }) };
  const urgency = entries.length > 0 ? 'entries' : 'control';
  return withSize({ fields, effect, urgency, controls, entries });
}

/** The frame that makes a snapshot count: the host's own, or a leader's that replaces the log (one record, one atom). */
export function draftSnapshot(plan: SnapshotPlan, name: SnapshotName, meta: SnapshotMeta): FrameDraft {
  const { keepsLog, index, term } = plan;
  const hardState = Object.freeze({ ...plan.hardState });
  const controls: ControlRecord[] = [
    { kind: RAFT_RECORD_KINDS.snapshot, body: encodeSnapshotName(name, keepsLog) },
  ];
  if (plan.hardStateChanged)
    controls.push({ kind: RAFT_RECORD_KINDS.hardState, body: encodeHardState(hardState) });
  const from = plan.lastIndex + 1;
  const fields = emptyRange(from, plan.lastTerm, !keepsLog);
  const effect = {
    keepUntil: from,
    entryCount: 0,
    terms: plan.lastTerm,
    hardState,
    snapshot: { name, meta },
  };
  const whole = keepsLog ? effect : { ...effect, resetTo: { index, term } };
  return withSize({ fields, effect: whole, urgency: 'record', controls, entries: [] });
}

/** The frame that drops entries from the front. */
export function draftCompaction(view: LogView, upTo: number): FrameDraft {
  const from = view.lastIndex + 1;
  const body = encodeBoundary({ index: upTo, term: view.term(upTo) });
  const controls: ControlRecord[] = [{ kind: RAFT_RECORD_KINDS.compaction, body }];
  const { hardState, lastTerm } = view;
  const effect = { keepUntil: from, entryCount: 0, terms: lastTerm, hardState, compactedTo: upTo };
  return withSize({
    fields: emptyRange(from, lastTerm, false),
    effect,
    urgency: 'record',
    controls,
    entries: [],
  });
}

function emptyRange(from: number, lastTerm: number, resets: boolean): FrameFields {
  return { from, until: from, lowTerm: lastTerm, highTerm: lastTerm, lastTerm, resets };
}

function termsOf(
  entries: readonly Entry[],
  lastTerm: number,
): { low: number; high: number; terms: number | number[] } {
  let low = lastTerm;
  let high = lastTerm;
  for (const { term } of entries) {
    if (term < low) low = term;
    if (term > high) high = term;
  }
  // The caller may change its entries once save has returned, so mixed terms are copied.
  return { low, high, terms: low === high ? low : entries.map((entry) => entry.term) };
}

function withSize(draft: Omit<FrameDraft, 'payloadBytes'>): FrameDraft {
  let payloadBytes = 0;
  for (const record of draft.controls) payloadBytes += controlRecordBytes(record);
  const { lowTerm } = draft.fields;
  for (const { term, data } of draft.entries) payloadBytes += entryRecordBytes(term - lowTerm, data.length);
  const { fields, effect, urgency, controls, entries } = draft;
  return { fields, effect, urgency, controls, entries, payloadBytes };
}

/** Writes the draft's records at `offset`, the entries last. */
export function encodeDraft(draft: FrameDraft, bytes: Uint8Array, view: DataView, offset: number): void {
  let at = offset;
  for (const record of draft.controls) at = putControlRecord(bytes, view, at, record);
  const { lowTerm } = draft.fields;
  for (const { index, term, kind = 0, data } of draft.entries) {
    const checksum = entryChecksum(index, term, kind, data);
    at = putEntryRecord(bytes, view, at, term - lowTerm, kind, data, checksum);
  }
}
