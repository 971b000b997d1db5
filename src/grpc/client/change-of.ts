import { KeelsonError } from '../../errors/index.js';
import { sameBytes } from '../../format/identity.js';
import type { LogFrame } from '../../raft-log/state/log-frame.js';
import type { DurableState } from '../../raft-log/state/durable-state.js';
import type { Change, EntryBatch, TermRun } from '../generated/keelson/v1/raft_log.js';
import { CHANGE_WIRE_BYTES, ENTRIES_MAX, ENTRY_WIRE_BYTES, PLAIN_CHANGE_WIRE_BYTES } from '../limits.js';
import { hardStateMessage } from '../wire/save-message.js';

/** What a frame takes in a message, at most. */
export function wireBytesOf({ effect, dataBytes }: LogFrame): number {
  const otherBytes = effect.stable === undefined ? PLAIN_CHANGE_WIRE_BYTES : CHANGE_WIRE_BYTES;
  return dataBytes + effect.entryCount * ENTRY_WIRE_BYTES + otherBytes;
}

/** What a frame says, as a change that the server judges to the same effect. */
export function changeOf(
  frame: LogFrame,
  uploadId: Uint8Array | null,
  changesHardState: boolean,
): NonNullable<Change['change']> {
  const { effect } = frame;
  if (effect.compactedTo !== undefined) return { $case: 'compact', value: { upTo: effect.compactedTo } };
  if (effect.snapshot !== undefined && uploadId !== null) return { $case: 'publish', value: { uploadId } };
  const { keepUntil, hardState, stable = [] } = effect;
  return {
    $case: 'save',
    value: {
      // It drops nothing where nothing is there, so it need not be known whether anything is.
      truncateFrom: keepUntil,
      entries: effect.entryCount === 0 ? undefined : entriesOf(frame),
      hardState: changesHardState ? hardStateMessage(hardState) : undefined,
      stable: [...stable].map(([key, value]) => ({ key, value: value ?? undefined })),
    },
  };
}

function entriesOf(frame: LogFrame): EntryBatch {
  const { sizes, kinds, data } = frame.columns();
  const from = frame.effect.keepUntil;
  const termRuns: TermRun[] = [];
  for (let index = from, runTerm = -1; index < frame.until; index += 1) {
    const term = frame.term(index);
    if (term !== runTerm) termRuns.push({ index, term });
    runTerm = term;
  }
  return { termRuns, sizes, kinds: kinds.some((kind) => kind !== 0) ? kinds : NONE, data };
}

const NONE = new Uint8Array(0);

/** Throws where a change would not fit into a message. */
export function checkFits({ effect }: LogFrame, wireBytes: number, bytesMax: number): void {
  if (wireBytes > bytesMax) throw tooLarge('bytes', wireBytes, bytesMax);
  if (effect.entryCount > ENTRIES_MAX) throw tooLarge('entries', effect.entryCount, ENTRIES_MAX);
}

function tooLarge(what: string, found: number, expected: number): KeelsonError {
  return new KeelsonError(
    'KEELSON_TOO_LARGE',
    `a save of up to ${found} ${what} in a message was asked for, the server takes ${expected}. Nothing was saved. Save fewer entries at once.`,
    { found, expected, fate: 'not-persisted' },
  );
}

/** True if a log as the server found it is the one that this side knows. */
export function isSameLog(durable: DurableState, found: DurableState): boolean {
  const { hardState: one, firstIndex, lastIndex, lastTerm } = durable;
  const { hardState: other } = found;
  return (
    one.term === other.term &&
    one.vote === other.vote &&
    one.commit === other.commit &&
    isSameValues(durable.stable, found.stable) &&
    firstIndex === found.firstIndex &&
    lastIndex === found.lastIndex &&
    lastTerm === found.lastTerm
  );
}

function isSameValues(one: DurableState['stable'], other: DurableState['stable']): boolean {
  return (
    one.size === other.size &&
    [...one].every(([key, value]) => {
      const found = other.get(key);
      return found !== undefined && sameBytes(found, value);
    })
  );
}
