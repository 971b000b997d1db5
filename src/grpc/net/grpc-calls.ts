import {
  Client,
  Metadata,
  type CallOptions,
  type ChannelCredentials,
  type ChannelOptions,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientWritableStream,
  type ClientUnaryCall,
} from '@grpc/grpc-js';
import { throwIfAborted, whenAborted } from '../../errors/index.js';
import { ConnectionLost, type Method, type RaftLogCalls } from '../calls.js';
import { messagesOf, writeAll } from './message-stream.js';
import { METHODS, type MethodShape } from './service-definition.js';
import { errorOfEnd } from './status.js';

/** Calls that a server answers at once, or never: so long they are waited for. */
const QUICK: ReadonlySet<Method> = new Set<Method>(['close', 'getState', 'getStats', 'getUpload']);
const QUICK_MS = 10_000;

/** Messages that are made while one before them is on its way: so each side works while the other does. */
const MESSAGES_AHEAD = 1;

/** What each call carries beside its message. */
export interface CallerParts {
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
  /** A bearer token, read anew for each call; null for none. */
  readonly token: () => string | null;
}

/** The service as calls of grpc-js. */
export function grpcCalls(
  address: string,
  parts: CallerParts,
): { readonly calls: RaftLogCalls; readonly close: () => void } {
  const client = new Client(address, parts.credentials, parts.options);
  const calls = Object.fromEntries(
    Object.entries(METHODS).map(([name, shape]) => [
      name,
      callOf(client, name as Method, shape, parts.token),
    ]),
  ) as unknown as RaftLogCalls;
  return {
    calls,
    close: () => {
      client.close();
    },
  };
}

type Call =
  | ClientUnaryCall
  | ClientReadableStream<unknown>
  | ClientWritableStream<unknown>
  | ClientDuplexStream<unknown, unknown>;

function callOf(client: Client, method: Method, shape: MethodShape, token: () => string | null): unknown {
  const { path, requestSerialize: write, responseDeserialize: read, requestStream, responseStream } = shape;
  const begin = (): [Metadata, CallOptions] => {
    const metadata = new Metadata();
    const bearer = token();
    if (bearer !== null) metadata.set('authorization', `Bearer ${bearer}`);
    return [metadata, QUICK.has(method) ? { deadline: Date.now() + QUICK_MS } : {}];
  };
  const make = (given: unknown, done: Done): Call => {
    const [metadata, options] = begin();
    if (!requestStream)
      return responseStream
        ? client.makeServerStreamRequest(path, write, read, given, metadata, options)
        : client.makeUnaryRequest(path, write, read, given, metadata, options, done);
    const call = responseStream
      ? client.makeBidiStreamRequest(path, write, read, metadata, options)
      : client.makeClientStreamRequest(path, write, read, metadata, options, done);
    feed(call, given as AsyncIterable<unknown>, done);
    return call;
  };
  return (given: unknown, signal?: AbortSignal) =>
    (responseStream ? streamed : once)(signal, (done) => make(given, done));
}

type Done = (error: unknown, value?: unknown) => void;

/** A call with one answer. */
function once(signal: AbortSignal | undefined, make: (done: Done) => Call): Promise<unknown> {
  return new Promise((resolve, reject) => {
    throwIfAborted('the call', signal);
    const call = make((error, value) => {
      forget();
      if (error === null) resolve(value);
      else reject(toldOf(error, signal));
    });
    const forget = whenAborted(signal, () => {
      call.cancel();
    });
  });
}

/** A call with many. Who leaves early cancels it. */
async function* streamed(
  signal: AbortSignal | undefined,
  make: (fail: Done) => Call,
): AsyncGenerator<unknown, void> {
  throwIfAborted('the call', signal);
  const own: { failure: unknown } = { failure: null };
  const call = make((error) => {
    own.failure ??= error;
    call.cancel();
  });
  const forget = whenAborted(signal, () => {
    call.cancel();
  });
  let hasEnded = false;
  try {
    yield* messagesOf(call as ClientReadableStream<unknown>, (error) => toldOf(own.failure ?? error, signal));
    hasEnded = true;
  } finally {
    forget();
    if (!hasEnded) call.cancel();
  }
}

/** Sends what is to be sent, beside what comes. */
function feed(
  call: ClientWritableStream<unknown> | ClientDuplexStream<unknown, unknown>,
  requests: AsyncIterable<unknown>,
  fail: Done,
): void {
  let hasEnded = false;
  call.on('status', () => {
    hasEnded = true;
  });
  // Told by the call itself; without a listener it would end the process.
  call.on('error', () => undefined);
  writeAll(call, requests, () => hasEnded, MESSAGES_AHEAD).then(
    () => {
      if (!hasEnded) call.end();
    },
    (error: unknown) => {
      fail(error);
      call.cancel();
    },
  );
}

function toldOf(error: unknown, signal: AbortSignal | undefined): Error {
  try {
    throwIfAborted('the call', signal);
  } catch (aborted) {
    return aborted as Error;
  }
  const told = errorOfEnd(error);
  return told instanceof TypeError ? new ConnectionLost(told.message, { cause: told }) : told;
}
