import { ENTRY_KIND, type Message } from '../../../../sim/raft/index.js';
import type { Entry } from '../../../../src/raft-log/contract.js';

/** `5/2 "text"`: index, term and what the entry is for. */
export function describeEntry(entry: Entry): string {
  const place = `${String(entry.index)}/${String(entry.term)}`;
  const text = new TextDecoder().decode(entry.data);
  if (entry.kind === ENTRY_KIND.termStart) return `${place} term start`;
  return entry.kind === ENTRY_KIND.configuration ? `${place} configuration ${text}` : `${place} "${text}"`;
}

/** One line a message: who to whom, what, in which term. */
export function describeMessage(message: Message): string {
  return `${message.from} -> ${message.to} ${message.type} term ${String(message.term)}${details(message)}`;
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
      const entries = message.entries.map(describeEntry).join(' ');
      const behind = `, behind ${String(message.prevIndex)}/${String(message.prevTerm)}`;
      return `${behind} [${entries}], commit ${String(message.commit)}`;
    }
    case 'append-response': {
      const { index, rejected } = message;
      if (rejected === null) return `, holds up to ${String(index)}`;
      return `, refuses behind ${String(index)}, hint ${String(rejected.hintIndex)}/${String(rejected.hintTerm)}`;
    }
    case 'heartbeat':
      return `, commit ${String(message.commit)}, round ${String(message.round)}`;
    case 'heartbeat-response':
      return `, round ${String(message.round)}`;
    case 'snapshot-chunk': {
      const { snapshot, offset, data, isLast } = message;
      const until = `${String(offset)}..${String(offset + data.length)}${isLast ? ', the last' : ''}`;
      return `, snapshot ${String(snapshot.index)}/${String(snapshot.term)}, bytes ${until}`;
    }
    case 'snapshot-response':
      return `, snapshot ${String(message.snapshot.index)}/${String(message.snapshot.term)}, wants ${String(message.offset)}`;
    case 'read-index-response':
      return `, index ${String(message.index)}`;
    case 'timeout-now':
    case 'read-index':
      return '';
  }
}
