import type { ServerHttp2Stream } from 'node:http2';
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';
import { WINDOW_BYTES } from '../limits.js';

const widened = new WeakSet<object>();

/**
 * The stream of HTTP/2 under a call of a server. No public member of grpc-js leads there: with a release that renames it what
 * is done by it is not done, and no call is lost.
 */
export function streamUnder(call: ServerInterceptingCallInterface): ServerHttp2Stream | undefined {
  return (call as unknown as { readonly stream?: ServerHttp2Stream }).stream;
}

/**
 * Lets the client of a call send more on each stream of its connection before it must hear that some was read: of 64 KiB,
 * which is what grpc-js leaves it at, a message of changes takes a round trip or two, and both processes wake for each.
 */
export function widenWindow(call: ServerInterceptingCallInterface): void {
  const session = streamUnder(call)?.session;
  if (session === undefined || session.destroyed || widened.has(session)) return;
  widened.add(session);
  session.settings({ initialWindowSize: WINDOW_BYTES });
  session.setLocalWindowSize(2 * WINDOW_BYTES);
}
