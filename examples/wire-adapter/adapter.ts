import { isKeelsonError, type RaftLog } from '../../src/index.js';

/** A line that the runner sends. */
export interface Request {
  readonly id: number;
  readonly call: string;
  readonly log: string;
  readonly [argument: string]: unknown;
}

/** What `open` asks for. */
export interface Opening {
  readonly takeOver?: boolean;
  readonly create?: 'never';
}

const bytes = (text: unknown): Uint8Array => Buffer.from(text as string, 'base64');
const text = (data: Uint8Array): string => Buffer.from(data).toString('base64');
const plain = <T extends { readonly conf: Uint8Array }>(meta: T) => ({ ...meta, conf: text(meta.conf) });

/** Answers requests by a log; what `openLog` opens is one of a server, or of this process. */
export function adapterOver(
  openLog: (name: string, how: Opening) => Promise<RaftLog>,
): (request: Request) => Promise<object> {
  const logs = new Map<string, RaftLog>();
  const logOf = (handle: string): RaftLog => {
    const log = logs.get(handle);
    if (log === undefined) throw new Error(`no log ${handle} was opened`);
    return log;
  };
  const CALLS: Readonly<Record<string, (request: Request) => Promise<object>>> = {
    open: async ({ log, name, takeOver, create }) => {
      const how = create === 'never' ? ({ create } as const) : {};
      logs.set(log, await openLog(String(name), takeOver === true ? { ...how, takeOver } : how));
      return {};
    },
    close: async ({ log }) => {
      await logs.get(log)?.close();
      return {};
    },
    save: ({ log, truncateFrom, entries, hardState, stable }) =>
      logOf(log).save({
        ...(truncateFrom === undefined ? {} : { truncateFrom: truncateFrom as number }),
        ...(entries === undefined ? {} : { entries: (entries as object[]).map(entryOf) }),
        ...(hardState === undefined ? {} : { hardState: hardState as object }),
        ...(stable === undefined ? {} : { stable: valuesOf(stable as object) }),
      }),
    state: ({ log }) => {
      const { firstIndex, lastIndex, lastTerm, hardState, stable, snapshots } = logOf(log);
      return Promise.resolve({
        ...{ firstIndex, lastIndex, lastTerm, hardState },
        stable: Object.fromEntries([...stable].map(([key, value]) => [key, text(value)])),
        snapshots: snapshots.map(plain),
      });
    },
    term: ({ log, index }) => Promise.resolve({ term: logOf(log).term(index as number) }),
    entries: async ({ log, from, until, bytesMax }) => {
      const bound = bytesMax === undefined ? {} : { bytesMax: bytesMax as number };
      const entries = await logOf(log).entries(from as number, until as number, bound);
      return {
        entries: entries.map(({ index, term, kind, data }) => ({ index, term, kind, data: text(data) })),
      };
    },
    createSnapshot: async ({ log, index, conf, data }) =>
      plain(
        await logOf(log).createSnapshot({ index: index as number, conf: bytes(conf), data: bytes(data) }),
      ),
    installSnapshot: async ({ log, index, term, conf, data, hardState }) =>
      plain(
        await logOf(log).installSnapshot({
          ...{ index: index as number, term: term as number, conf: bytes(conf), data: bytes(data) },
          ...(hardState === undefined ? {} : { hardState: hardState as object }),
        }),
      ),
    openSnapshot: async ({ log, index }) => {
      const opened = await logOf(log).openSnapshot(index === undefined ? {} : { index: index as number });
      if (opened === null) return { snapshot: null };
      const chunks: Uint8Array[] = [];
      for await (const chunk of opened.data) chunks.push(chunk);
      return { snapshot: plain(opened.meta), data: text(Buffer.concat(chunks)) };
    },
    compact: ({ log, upTo }) => logOf(log).compact(upTo as number),
    verify: async ({ log }) => ({ ...(await logOf(log).verify()) }),
    fenced: ({ log }) =>
      new Promise((resolve) => {
        logOf(log).events.on('failed', resolve);
      }).then((error) => ({ code: (error as { readonly code: string }).code })),
  };

  return async (request) => {
    const call = CALLS[request.call];
    if (call === undefined) return { unsupported: true };
    try {
      return { ok: await call(request) };
    } catch (error) {
      if (error instanceof Unsupported) return { unsupported: true };
      if (!isKeelsonError(error)) return { error: { code: 'INTERNAL', message: String(error) } };
      const { code, message, details } = error;
      return { error: { code, message, ...(details.fate === undefined ? {} : { fate: details.fate }) } };
    }
  };
}

/** Nothing that this log has a word for. */
export class Unsupported extends Error {}

function entryOf(entry: object) {
  const given = entry as { readonly index: number; readonly term: number; readonly kind: number };
  return { ...given, data: bytes((entry as { readonly data: string }).data) };
}

function valuesOf(stable: object): Record<string, Uint8Array | null> {
  const given = Object.entries(stable) as [string, string | null][];
  return Object.fromEntries(given.map(([key, value]) => [key, value === null ? null : bytes(value)]));
}
