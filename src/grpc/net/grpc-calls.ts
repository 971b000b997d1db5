import {
  Client,
  InterceptingCall,
  Metadata,
  status,
  type CallOptions,
  type ChannelCredentials,
  type ChannelOptions,
  type InterceptingListener,
  type InterceptorOptions,
  type NextCall,
  type StatusObject,
} from '@grpc/grpc-js';
import { throwIfAborted, whenAborted } from '../../errors/index.js';
import { ConnectionLost, type Method, type RaftLogCalls } from '../calls.js';
import { Incoming, sendAll, type Sending } from '../message-stream.js';
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
  const calls = Object.entries(METHODS).map(([name, shape]) => {
    const begin = (made: MadeCall): void => {
      const metadata = new Metadata();
      const bearer = parts.token();
      if (bearer !== null) metadata.set('authorization', `Bearer ${bearer}`);
      const deadline = QUICK.has(name as Method) ? { deadline: Date.now() + QUICK_MS } : {};
      made.begin(client, metadata, deadline);
    };
    const call = (given: unknown, signal?: AbortSignal) => {
      const { answers } = new MadeCall(shape, given, signal, begin);
      return shape.responseStream ? answers : onlyOne(answers);
    };
    return [name, call];
  });
  return {
    calls: Object.fromEntries(calls) as RaftLogCalls,
    close: () => client.close(),
  };
}

/** The answer of a call that has one, once the call has ended well. */
async function onlyOne(answers: Incoming<unknown>): Promise<unknown> {
  const { done, value } = await answers.next();
  if (done !== true) await answers.next();
  else throw new ConnectionLost('the server sent no answer');
  return value;
}

/**
 * One call, from the first answer that is asked for to its status, at its place below the streams that grpc-js makes for
 * callers: those read ahead, and a message would pass through their buffers and turns.
 */
class MadeCall implements InterceptingListener {
  readonly answers: Incoming<unknown>;
  readonly #shape: MethodShape;
  readonly #given: unknown;
  readonly #signal: AbortSignal | undefined;
  /** Null before it has begun, and once it has ended. */
  #call: ReturnType<NextCall> | null = null;
  #stream: InterceptingListener | null = null;
  #sending: Sending | null = null;
  #forget: () => void = () => undefined;

  constructor(
    shape: MethodShape,
    given: unknown,
    signal: AbortSignal | undefined,
    begin: (made: MadeCall) => void,
  ) {
    this.#shape = shape;
    this.#given = given;
    this.#signal = signal;
    const ask = (): void => {
      if (this.#call === null) begin(this);
      this.#call?.startRead();
    };
    this.answers = new Incoming(ask, this.#cancel);
  }

  begin(client: Client, metadata: Metadata, options: CallOptions): void {
    throwIfAborted('the call', this.#signal);
    const { path, requestSerialize: write, responseDeserialize: read, requestStream } = this.#shape;
    const interceptor = (given: InterceptorOptions, next: NextCall): InterceptingCall => {
      this.#call = next(given);
      // It tells this listener in the place of the stream's, which hears of the end alone.
      return new InterceptingCall(this.#call, {
        start: (about, stream, goOn) => {
          this.#stream = stream;
          goOn(about, this);
        },
      });
    };
    const all = { ...options, interceptors: [interceptor] };
    // Instruments of others listen to it; without a listener its error would end the process.
    client.makeBidiStreamRequest(path, write, read, metadata, all).on('error', () => undefined);
    this.#forget = whenAborted(this.#signal, this.#cancel);
    const halfClose = (): void => this.#call?.halfClose();
    if (!requestStream) {
      this.#send(this.#given);
      halfClose();
      return;
    }
    this.#sending = sendAll(this.#given as AsyncIterable<unknown>, this.#send, MESSAGES_AHEAD);
    this.#sending.done.then(halfClose, (error: unknown) => {
      this.#end(error as Error);
      this.#cancel();
    });
  }

  readonly #send = (message: unknown, callback?: () => void): void =>
    this.#call?.sendMessageWithContext(callback === undefined ? {} : { callback }, message);

  readonly #cancel = (): void => this.#call?.cancelWithStatus(status.CANCELLED, 'the client has left');

  /** Of one parameter, by which grpc-js knows such a listener. */
  onReceiveMetadata(_metadata: Metadata): void {}

  onReceiveMessage(message: unknown): void {
    this.answers.take(message);
  }

  onReceiveStatus(end: StatusObject): void {
    this.#call = null;
    this.#sending?.stop();
    this.#end(end.code === status.OK ? null : errorOfEnd(end));
    this.#stream?.onReceiveStatus(end);
  }

  /** Who has abandoned the call is told so, however it ended. */
  #end(failure: Error | null): void {
    this.#forget();
    try {
      if (failure !== null) throwIfAborted('the call', this.#signal);
      this.answers.end(failure);
    } catch (aborted) {
      this.answers.end(aborted as Error);
    }
  }
}
