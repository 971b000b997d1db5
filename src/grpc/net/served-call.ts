import type {
  Metadata,
  ServerDuplexStream,
  ServerInterceptingCall,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { invalidArgument } from '../../errors/arguments.js';
import { isKeelsonError, KeelsonError } from '../../errors/index.js';
import type { Method, RaftLogCalls } from '../calls.js';
import { Incoming, sendAll, type Sending } from '../message-stream.js';
import { METHODS, type MethodShape } from './service-definition.js';
import { endOf } from './status.js';

/** Who hears of the ends of calls. */
export interface CallObserver {
  /** A call has ended, with that code (`OK` or that of an error), after so many milliseconds. */
  readonly onEnd: (method: Method, code: string, ms: number) => void;
  readonly now: () => number;
}

type Listener = Parameters<ServerInterceptingCall['start']>[0];
type AnyMethod = (request: unknown, signal?: AbortSignal) => Promise<unknown> & AsyncIterable<unknown>;

/** Its messages are left by `return`, which it heeds at once: a signal would take as much as all else of a silent reader. */
const LEFT: Method = 'entries';

type Stream = ServerDuplexStream<unknown, unknown>;

/** Calls whose head has come, by what it says: so a handler, whom its stream alone is given, finds the one that it is of. */
const BEGINNING = new WeakMap<Metadata, ServedCall>();

/** How grpc-js knows the calls: all of one shape, whose handler is called as soon as a head has come, whatever follows. */
export const SERVED: ServiceDefinition = Object.fromEntries(
  Object.entries(METHODS).map(([name, shape]) => [
    name,
    { ...shape, requestStream: true, responseStream: true },
  ]),
);

/** A handler for each call: what instruments of others wrap, to see calls begin and end. */
export const HANDLERS: UntypedServiceImplementation = Object.fromEntries(
  Object.keys(METHODS).map((name) => [
    name,
    (stream: Stream) => BEGINNING.get(stream.metadata)?.begin(stream),
  ]),
);

/**
 * Carries one call of grpc-js to the service. It begins and ends by the stream that grpc-js makes for handlers. Its messages
 * go their way below that: the stream reads 16 of any size ahead, and what it does for each costs more than the call.
 */
export class ServedCall implements Listener {
  readonly #call: ServerInterceptingCall;
  /** Of grpc-js: makes the stream, and tells it that the call has ended. */
  readonly #listener: Listener;
  #stream: Stream | null = null;
  readonly #calls: RaftLogCalls;
  readonly #method: Method;
  readonly #shape: MethodShape;
  readonly #observer: CallObserver;
  readonly #startMs: number;
  /** What its client sends: of a stream, or alone. */
  #requests: Incoming<unknown> | null = null;
  #request: Buffer | null = null;
  #sending: Sending | null = null;
  #cancelling: AbortController | null = null;

  constructor(
    call: ServerInterceptingCall,
    listener: Listener,
    calls: RaftLogCalls,
    method: Method,
    observer: CallObserver,
  ) {
    this.#call = call;
    this.#listener = listener;
    this.#calls = calls;
    this.#method = method;
    this.#shape = METHODS[method];
    this.#observer = observer;
    this.#startMs = observer.now();
  }

  onReceiveMetadata(metadata: Metadata): void {
    BEGINNING.set(metadata, this);
    this.#listener.onReceiveMetadata(metadata);
  }

  begin(stream: Stream): void {
    this.#stream = stream;
    if (this.#shape.requestStream) {
      const requests = new Incoming<unknown>(() => this.#call.startRead());
      this.#requests = requests;
      this.#serve(() => requests);
    } else {
      this.#call.startRead();
    }
  }

  onReceiveMessage(message: Buffer): void {
    if (this.#requests === null) {
      if (this.#request !== null) {
        this.#fail(invalidArgument('the message', 'a second one', 'one, for this call'));
        return;
      }
      this.#request = message;
      this.#call.startRead();
      return;
    }
    try {
      this.#requests.take(this.#shape.readRequest(message));
    } catch (error) {
      this.#requests.end(error as Error);
    }
  }

  onReceiveHalfClose(): void {
    const request = this.#request;
    this.#request = null;
    if (this.#requests !== null) this.#requests.end(null);
    else if (request === null) this.#fail(invalidArgument('the message', undefined, 'one, for this call'));
    else this.#serve(() => this.#shape.readRequest(request));
  }

  #serve(requestOf: () => unknown): void {
    let answer: Promise<unknown> & AsyncIterable<unknown>;
    try {
      this.#cancelling = this.#method === LEFT ? null : new AbortController();
      // The port's members are functions of `this`.
      const method = this.#calls[this.#method] as AnyMethod;
      answer = method.call(this.#calls, requestOf(), this.#cancelling?.signal);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (this.#shape.responseStream) {
      this.#sending = sendAll(answer, (message, onLeft) => this.#call.sendMessage(message, onLeft));
      this.#sending.done.then(this.#end, this.#fail);
    } else {
      answer.then((value) => {
        this.#call.sendMessage(value, () => undefined);
        this.#end();
      }, this.#fail);
    }
  }

  readonly #end = (): void => {
    this.#tellEnd('OK');
    this.#stream?.end();
  };

  readonly #fail = (error: unknown): void => {
    this.#tellEnd(codeOf(error));
    const end = endOf(error);
    // As `error`, and not by `destroy`, which sends no status.
    this.#stream?.emit('error', Object.assign(new Error(end.details), end));
  };

  #tellEnd(code: string): void {
    const { onEnd, now } = this.#observer;
    onEnd(this.#method, code, now() - this.#startMs);
  }

  /** It is told of every end. */
  onCancel(): void {
    this.#request = null;
    this.#requests?.end(cancelled());
    this.#cancelling?.abort();
    this.#sending?.stop();
    this.#listener.onCancel();
  }
}

/** The code by which an end is counted. */
export function codeOf(error: unknown): string {
  return isKeelsonError(error) ? error.code : 'INTERNAL';
}

function cancelled(): KeelsonError {
  return new KeelsonError('KEELSON_ABORTED', 'the call was cancelled by its client.');
}
