import { status, type Metadata, type ServerInterceptingCall } from '@grpc/grpc-js';
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

/**
 * Carries one call of grpc-js to the service, from its place below the streams that grpc-js makes for handlers: those read
 * 16 messages of any size ahead, and what they do for each costs more than the call.
 */
export class ServedCall implements Listener {
  readonly #call: ServerInterceptingCall;
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

  constructor(call: ServerInterceptingCall, calls: RaftLogCalls, method: Method, observer: CallObserver) {
    this.#call = call;
    this.#calls = calls;
    this.#method = method;
    this.#shape = METHODS[method];
    this.#observer = observer;
    this.#startMs = observer.now();
  }

  onReceiveMetadata(_metadata: Metadata): void {
    if (this.#shape.requestStream) {
      const requests = new Incoming<unknown>(() => {
        this.#call.startRead();
      });
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
      this.#sending = sendAll(answer, (message, onLeft) => {
        this.#call.sendMessage(message, onLeft);
      });
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
    this.#call.sendStatus({ code: status.OK, details: 'OK', metadata: null });
  };

  readonly #fail = (error: unknown): void => {
    this.#tellEnd(codeOf(error));
    this.#call.sendStatus(endOf(error));
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
  }
}

/** The code by which an end is counted. */
export function codeOf(error: unknown): string {
  return isKeelsonError(error) ? error.code : 'INTERNAL';
}

function cancelled(): KeelsonError {
  return new KeelsonError('KEELSON_ABORTED', 'the call was cancelled by its client.');
}
