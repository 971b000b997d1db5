import { type Message, WAITS_FOR_SAVE } from '../raft/index.js';
import type { Trace } from '../world/trace.js';

const MESSAGE_TYPES = Object.keys(WAITS_FOR_SAVE);

/** Folds a message that a node sends or takes into its trace; as text only where lines are kept. */
export function traceMessage(
  trace: Trace,
  id: string,
  nowMs: number,
  verb: 'sends' | 'takes',
  message: Message,
): void {
  trace.fold(MESSAGE_TYPES.indexOf(message.type) + (verb === 'sends' ? 32 : 0));
  trace.fold(message.term);
  trace.fold(Math.floor(nowMs * 1e6));
  if ('index' in message) trace.fold(message.index);
  if (!trace.keepsLines) return;
  trace.line(`${nowMs.toFixed(3)} ms ${id} ${verb} ${describeMessage(message)}`, {
    kind: verb === 'sends' ? 'send' : 'take',
    term: message.term,
    of: message,
    ...indexesOf(message),
  });
}

/** A message in one line: who to whom, what, in which term. */
function describeMessage(message: Message): string {
  return `${message.from} -> ${message.to} ${message.type} of term ${String(message.term)}${details(message)}`;
}

function indexesOf(message: Message): { readonly from?: number; readonly until?: number } {
  if (message.type === 'append' && message.entries.length > 0)
    return { from: message.prevIndex + 1, until: message.prevIndex + 1 + message.entries.length };
  return message.type === 'append-response' ? { from: message.index, until: message.index + 1 } : {};
}

function details(message: Message): string {
  switch (message.type) {
    case 'pre-vote':
    case 'vote':
      return `, log ends at ${String(message.lastIndex)}/${String(message.lastTerm)}`;
    case 'pre-vote-response':
    case 'vote-response':
      return message.granted ? ', granted' : ', refused';
    case 'append': {
      const { prevIndex, prevTerm, entries, commit } = message;
      const until = prevIndex + entries.length;
      const range = entries.length === 0 ? 'nothing' : `${String(prevIndex + 1)}..${String(until)}`;
      return `, ${range} behind ${String(prevIndex)}/${String(prevTerm)}, commit ${String(commit)}`;
    }
    case 'append-response':
      return message.rejected === null
        ? `, holds up to ${String(message.index)}`
        : `, refuses behind ${String(message.index)}, hint ${String(message.rejected.hintIndex)}/${String(message.rejected.hintTerm)}`;
    case 'heartbeat':
      return `, commit ${String(message.commit)}, round ${String(message.round)}`;
    case 'heartbeat-response':
      return `, round ${String(message.round)}`;
    case 'snapshot-chunk': {
      const { snapshot, offset, data, isLast } = message;
      return `, of ${String(snapshot.index)}/${String(snapshot.term)}, ${String(offset)}+${String(data.length)}${isLast ? ', the last' : ''}`;
    }
    case 'snapshot-response':
      return `, of ${String(message.snapshot.index)}/${String(message.snapshot.term)}, wants ${String(message.offset)}`;
    case 'read-index-response':
      return `, index ${String(message.index)}`;
    case 'timeout-now':
    case 'read-index':
      return '';
  }
}
