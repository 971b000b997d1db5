import type { Entry, SaveRequest } from '../../../../src/index.js';
import { NO_OP_KIND, type PlannedEntries, type PlannedSave } from '../announcement.js';
import type { Text } from '../text.js';

/** The save that an announcement stands for, with the bytes of its lines. */
export function planToRequest({ entries, ...rest }: PlannedSave, text: Text): SaveRequest {
  return entries === undefined ? rest : { ...rest, entries: [...entriesOf(entries, text)] };
}

function* entriesOf({ first, term, hasNoOp, line, lineCount }: PlannedEntries, text: Text): Generator<Entry> {
  let index = first;
  if (hasNoOp) yield { index: index++, term, kind: NO_OP_KIND, data: new Uint8Array(0) };
  for (let n = 0; n < lineCount; n++) yield { index: index++, term, data: text.line(line + n) };
}
