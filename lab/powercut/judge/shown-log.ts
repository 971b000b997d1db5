import type { RaftLog } from '../../../src/index.js';

/** All that an open log shows, byte for byte. */
export interface ShownLog {
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly boundaryTerm: number;
  readonly lastTerm: number;
  readonly hardState: RaftLog['hardState'];
  readonly entries: Awaited<ReturnType<RaftLog['entries']>>;
  readonly snapshot: {
    readonly index: number;
    readonly term: number;
    readonly conf: Uint8Array;
    readonly data: Buffer;
  } | null;
}

export async function showLog(log: RaftLog): Promise<ShownLog> {
  return {
    firstIndex: log.firstIndex,
    lastIndex: log.lastIndex,
    boundaryTerm: log.term(log.firstIndex - 1),
    lastTerm: log.lastTerm,
    hardState: log.hardState,
    entries: await log.entries(log.firstIndex, log.lastIndex + 1),
    snapshot: await showSnapshot(log),
  };
}

async function showSnapshot(log: RaftLog): Promise<ShownLog['snapshot']> {
  await using opened = await log.openSnapshot();
  if (opened === null) return null;
  const chunks: Uint8Array[] = [];
  for await (const chunk of opened.data) chunks.push(chunk);
  const { index, term, conf } = opened.meta;
  return { index, term, conf, data: Buffer.concat(chunks) };
}
