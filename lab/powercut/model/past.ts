import type { Call } from './call.js';
import { after, EMPTY_LOG, type LogState } from './model-log.js';
import type { Note } from './note.js';

/**
 * What a disk may hold: the state after K of the calls, in order, for some K from `owed` to all of them. Calls that
 * every K has behind it are folded into the base. A value; nothing changes it.
 */
export interface Past {
  readonly base: LogState;
  readonly calls: readonly { readonly seq: number; readonly call: Call }[];
  readonly owed: number;
}

export const NO_PAST: Past = { base: EMPTY_LOG, calls: [], owed: 0 };

/** What a disk may hold that was cut behind `cutAt` records, having begun with `past`. */
export function pastAtCut(past: Past, notes: readonly Note[], cutAt: number): Past {
  let base = past.base;
  let calls = [...past.calls];
  let owed = past.owed;
  const fold = (count: number): void => {
    for (const { call } of calls.splice(0, count)) base = after(base, call);
    owed = 0;
  };
  for (const note of notes) {
    if (note.at > cutAt) break;
    if (note.what === 'asked') calls.push({ seq: note.seq, call: note.call });
    else if (note.what === 'answered') {
      const at = calls.findIndex(({ seq }) => seq === note.seq);
      fold(Math.max(at + 1, owed));
    } else if (note.what === 'refused') calls = calls.filter(({ seq }) => seq !== note.seq);
    else if (note.what === 'opened') {
      fold(note.kept);
      calls = [];
    }
  }
  return { base, calls, owed };
}

/** Every state that a disk of this past may hold, the least that is owed first. */
export function* possibleStates(past: Past): Generator<{ readonly kept: number; readonly state: LogState }> {
  let state = past.base;
  for (let kept = 0; kept <= past.calls.length; kept += 1) {
    if (kept > 0) state = after(state, past.calls[kept - 1]!.call);
    if (kept >= past.owed) yield { kept, state };
  }
}
