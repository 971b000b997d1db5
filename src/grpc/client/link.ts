import type { Environment } from '../../disk/environment.js';
import { KeelsonError, throwIfAborted } from '../../errors/index.js';
import { newIdentity } from '../../wal/store/begin-log.js';
import type { RaftLogCalls } from '../calls.js';
import type { OpenOptions, OpenResponse, Session } from '../generated/keelson/v1/raft_log.js';
import { again } from './connection.js';

/** What a remote log has of its server. */
export interface LinkParts {
  readonly calls: RaftLogCalls;
  readonly environment: Environment;
  readonly name: string;
  /** As messages name the log: `grpc://host:port/name`. */
  readonly place: string;
  readonly options: OpenOptions;
  /** For so long a call goes on trying to reach the server. */
  readonly patienceMs: number;
}

/** The session with the server, as it is now: a new one takes its place where the server began anew. */
export class Link {
  readonly parts: LinkParts;
  opened: OpenResponse;
  session: Session;
  /** Without one, since the log only reads or is latched, what is read is what there is. */
  hasSession = true;

  private constructor(parts: LinkParts, session: Session, opened: OpenResponse) {
    this.parts = parts;
    this.session = session;
    this.opened = opened;
  }

  static async open(parts: LinkParts, takeOver: boolean, signal: AbortSignal | undefined): Promise<Link> {
    const { session, opened } = await openSession(parts, takeOver, signal);
    return new Link(parts, session, opened);
  }

  /** Looks at the log, whoever has it. */
  static async look(parts: LinkParts, signal: AbortSignal | undefined): Promise<Link> {
    const { calls, name, place } = parts;
    const found = await again(parts, `opening ${place}`, signal, () => calls.getState({ name }, signal));
    if (found.state === undefined) throw answeredWithout('state');
    const session = { name, id: new Uint8Array(0), epoch: found.epoch };
    const link = new Link(parts, session, { ...found, messageBytesMax: 0, windowChanges: 0 });
    link.hasSession = false;
    return link;
  }

  /** Opens the log again, as nobody has it any more; resolves to the epoch before. */
  async reopen(signal: AbortSignal): Promise<number> {
    const { epoch } = this.session;
    const { session, opened } = await openSession(this.parts, false, signal);
    this.session = session;
    this.opened = opened;
    return epoch;
  }

  /** Whose log is read. */
  get reader(): Session | undefined {
    return this.hasSession ? this.session : undefined;
  }

  /** Calls that change nothing are made again while the connection is lost, or the session is not there again yet. */
  read<T>(what: string, signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
    return again(this.parts, what, signal, call);
  }
}

/** One session id for all attempts: an Open whose answer was lost is answered again. */
async function openSession(
  parts: LinkParts,
  takeOver: boolean,
  signal: AbortSignal | undefined,
): Promise<{ readonly session: Session; readonly opened: OpenResponse }> {
  const { calls, name, options } = parts;
  const sessionId = newIdentity(parts.environment);
  const what = `opening ${parts.place}`;
  const request = { name, sessionId, takeOver, options };
  const opened = await again(parts, what, signal, () => calls.open(request, signal));
  const session = { name, id: sessionId, epoch: opened.epoch };
  try {
    throwIfAborted(what, signal);
  } catch (error) {
    await calls.close({ session }).catch(() => undefined);
    throw error;
  }
  if (opened.state === undefined) throw answeredWithout('state');
  return { session, opened };
}

/** The other side is no server of this service. */
export function answeredWithout(field: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_READ_FAILED',
    `the server answered without ${field}. Is it a newer or an older one? See docs/grpc.md.`,
    { argument: field },
  );
}
