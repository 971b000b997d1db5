import { inspect, type InspectOptions } from 'node:util';
import type { AcceptedView, RaftLog } from '../contract.js';

/**
 * Has `util.inspect` show a log and its view of what is accepted, on a console or in the message of an assertion that
 * failed: the state in short, none of the parts, no bytes; closed logs show their last state. Returns the view.
 */
export function shownLog(log: RaftLog, dir: string, accepted: AcceptedView): AcceptedView {
  showAs('RaftLog', log, () => {
    const { status, firstIndex, lastIndex, lastTerm, hardState, snapshot, unfitUntil } = log;
    const named = snapshot === null ? null : { index: snapshot.index, term: snapshot.term };
    const fitness = unfitUntil === 0 ? {} : { unfitUntil };
    return { dir, status, firstIndex, lastIndex, lastTerm, hardState, snapshot: named, ...fitness };
  });
  showAs('AcceptedView', accepted, () => {
    const { lastIndex, lastTerm, hardState } = accepted;
    return { lastIndex, lastTerm, hardState };
  });
  return accepted;
}

/** Not enumerable: a copy, or a comparison, does not meet it. */
function showAs(name: string, shown: object, state: () => object): void {
  Object.defineProperty(shown, inspect.custom, {
    value: (_depth: number, options: InspectOptions) =>
      `${name} ${inspect(state(), { ...options, depth: 1 })}`,
  });
}
