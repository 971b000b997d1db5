import type { Http2Session } from 'node:http2';
import { WINDOW_BYTES, WINDOWS_BYTES_MAX } from '../limits.js';

/** What grpc-js leaves a window at. */
const USUAL_BYTES = 65_535;

/** A connection, and the calls under way on it. */
interface Connection {
  readonly session: Http2Session;
  calls: number;
  /** Null once it was and is not any more: so each is told twice at most. */
  isWide: boolean | null;
}

/**
 * Lets a client send more on each stream of its connection before it must hear that some was read: of the usual window a
 * message of changes takes a round trip or two, and both processes wake for each.
 *
 * Invariant: what lies unread there is memory, which no other limit sees. The calls of all wide connections may hold so much
 * together; the connection whose next call would pass that is as wide as any other from then on.
 */
export class WideWindows {
  readonly #connections = new WeakMap<Http2Session, Connection>();
  /** Of wide connections. */
  #calls = 0;

  /** A call has begun there. */
  begin(session: Http2Session): Connection {
    let connection = this.#connections.get(session);
    if (connection === undefined) {
      connection = { session, calls: 0, isWide: false };
      this.#connections.set(session, connection);
    }
    if (connection.isWide === true && !this.#hasRoom(1)) this.#resize(connection, null, USUAL_BYTES);
    if (connection.isWide === true) this.#calls += 1;
    connection.calls += 1;
    return connection;
  }

  /** It has ended. */
  end(connection: Connection): void {
    connection.calls -= 1;
    if (connection.isWide === true) this.#calls -= 1;
  }

  widen(connection: Connection): void {
    if (connection.isWide === false && this.#hasRoom(connection.calls))
      this.#resize(connection, true, WINDOW_BYTES);
  }

  #hasRoom(calls: number): boolean {
    return (this.#calls + calls) * WINDOW_BYTES <= WINDOWS_BYTES_MAX;
  }

  #resize(connection: Connection, isWide: true | null, bytes: number): void {
    const { session, calls } = connection;
    if (session.destroyed) return;
    connection.isWide = isWide;
    this.#calls += isWide === true ? calls : -calls;
    session.settings({ initialWindowSize: bytes });
    if (isWide === true) session.setLocalWindowSize(2 * bytes);
  }
}
