import type { RaftLog } from '../../../src/index.js';
import type { Call, NotedEntry } from '../model/call.js';
import { conf } from '../model/conf.js';
import { content } from '../model/content.js';

/** Makes a noted call of a log. */
export async function makeCall(log: RaftLog, call: Call): Promise<unknown> {
  switch (call.name) {
    case 'save': {
      const { name: _, entries, ...rest } = call;
      return log.save(entries === undefined ? rest : { ...rest, entries: entries.map(realEntry) });
    }
    case 'snapshot':
      return log.createSnapshot({ index: call.index, ...snapshotContent(call) });
    case 'install':
      return log.installSnapshot({ index: call.index, term: call.term, ...snapshotContent(call) });
    case 'compact':
      return log.compact(call.upTo);
  }
}

function realEntry({ index, term, kind, id, bytes }: NotedEntry): Parameters<RaftLog['append']>[0][number] {
  return { index, term, kind, data: content(id, bytes) };
}

function snapshotContent({ id, bytes }: { readonly id: number; readonly bytes: number }): {
  conf: Uint8Array;
  data: Uint8Array;
} {
  return { conf: conf(id), data: content(id, bytes) };
}
