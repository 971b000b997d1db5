import {
  ServerInterceptingCall,
  type Metadata,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { isKeelsonError, KeelsonError } from '../../errors/index.js';
import type { Method, RaftLogCalls } from '../calls.js';
import { tooMany } from '../server/refusals.js';
import { MessageParts, type PartBytes } from './message-parts.js';
import { messagesOf, writeAll } from './message-stream.js';
import { METHODS } from './service-definition.js';
import { endOf, type CallEnd } from './status.js';
import { widenWindow } from './wide-window.js';

/** What the server looks at before a call reaches the service, and what it hears of each. */
export interface CallGuard {
  /** Calls under way at one time. */
  readonly callsMax: number;
  /** Bytes of messages that have not come whole. */
  readonly partBytesMax: number;
  /** Throws for a call that may not be made. */
  readonly checkAllowed: (metadata: Metadata) => void;
  /** A call has ended, with that code (`OK` or that of an error), after so many milliseconds. */
  readonly onEnd: (method: Method, code: string, ms: number) => void;
  readonly now: () => number;
}

type AnyCall = ServerUnaryCall<Buffer, unknown> &
  ServerReadableStream<unknown, unknown> &
  ServerWritableStream<unknown, unknown> &
  ServerDuplexStream<unknown, unknown>;
type Answer = (error: CallEnd | null, value?: unknown) => void;
type AnyMethod = (request: unknown, signal?: AbortSignal) => Promise<unknown> & AsyncIterable<unknown>;

/** Its messages are left by `return`, which it heeds at once: a signal would take as much as all else of a silent reader. */
const LEFT: Method = 'entries';

const METHOD_AT = new Map(Object.entries(METHODS).map(([method, { path }]) => [path, method as Method]));

/** What is under way of all calls of a server. */
interface UnderWay extends CallGuard {
  calls: number;
  readonly parts: PartBytes;
}

type Listener = Parameters<ServerInterceptingCall['start']>[0];

/**
 * Looks at each call before anything of its messages is taken in: they are as large as is allowed, and one that stays half a
 * message is a call under way.
 */
export function guardOf(guard: CallGuard): ServerInterceptor {
  const underWay = { ...guard, calls: 0, parts: { max: guard.partBytesMax, held: 0 } };
  return ({ path, requestStream }, call) => {
    const method = METHOD_AT.get(path);
    return method === undefined
      ? new ServerInterceptingCall(call)
      : new GuardedCall(underWay, method, call, requestStream);
  };
}

/** Stands between a call and who serves it itself: what grpc-js puts there for functions costs more than the call. */
class GuardedCall extends ServerInterceptingCall implements Listener {
  readonly #underWay: UnderWay;
  readonly #method: Method;
  readonly #call: ServerInterceptingCallInterface;
  readonly #requestStream: boolean;
  #listener: Listener | null = null;
  #parts: MessageParts | null = null;

  constructor(
    underWay: UnderWay,
    method: Method,
    call: ServerInterceptingCallInterface,
    requestStream: boolean,
  ) {
    super(call);
    this.#underWay = underWay;
    this.#method = method;
    this.#call = call;
    this.#requestStream = requestStream;
  }

  override start(listener: Listener): void {
    this.#listener = listener;
    this.#call.start(this);
  }

  override sendMessage(message: unknown, onLeft: () => void): void {
    // It has a session then. Nobody else is given more room: what lies unread there is memory.
    if (this.#method === 'saveStream') widenWindow(this.#call);
    this.#call.sendMessage(message, onLeft);
  }

  onReceiveMetadata(metadata: Metadata): void {
    const { callsMax, checkAllowed, parts } = this.#underWay;
    this.#underWay.calls += 1;
    try {
      if (this.#underWay.calls > callsMax) throw tooMany('calls under way', callsMax);
      checkAllowed(metadata);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    this.#parts = new MessageParts(parts, this.#call, () => {
      const error = tooMany('bytes of messages that have not come whole', parts.max);
      // The end of a stream is heard by who reads it.
      if (this.#requestStream) this.#call.sendStatus(endOf(error));
      else this.#refuse(error);
    });
    this.#listener?.onReceiveMetadata(metadata);
  }

  onReceiveMessage(message: unknown): void {
    this.#parts?.whole();
    this.#listener?.onReceiveMessage(message);
  }

  onReceiveHalfClose(): void {
    this.#listener?.onReceiveHalfClose();
  }

  /** It is told of every end. */
  onCancel(): void {
    this.#underWay.calls -= 1;
    this.#parts?.ended();
    this.#listener?.onCancel();
    this.#listener = null;
  }

  #refuse(error: unknown): void {
    this.#underWay.onEnd(this.#method, codeOf(error), 0);
    this.#call.sendStatus(endOf(error));
  }
}

function codeOf(error: unknown): string {
  return isKeelsonError(error) ? error.code : 'INTERNAL';
}

/** Carries calls of grpc-js to the service. */
export function grpcService(calls: RaftLogCalls, guard: CallGuard): UntypedServiceImplementation {
  const handlers = Object.keys(METHODS).map((name) => {
    const method = name as Method;
    const { requestStream, responseStream, readRequest } = METHODS[method];
    const run = async (call: AnyCall): Promise<unknown> => {
      const request = requestStream ? messagesOf(call, cancelled, readRequest) : readRequest(call.request);
      const signal = method === LEFT ? undefined : cancelling(call).signal;
      // The port's members are functions of `this`.
      const answer = (calls[method] as AnyMethod).call(calls, request, signal);
      if (!responseStream) return answer;
      await writeAll(call, answer, () => call.cancelled || call.destroyed);
      return undefined;
    };
    const handle = (call: AnyCall, reply?: Answer): void => {
      const startMs = guard.now();
      const end = (code: string): void => {
        guard.onEnd(method, code, guard.now() - startMs);
      };
      run(call).then(
        (value) => {
          end('OK');
          if (reply !== undefined) reply(null, value);
          else call.end();
        },
        (error: unknown) => {
          end(codeOf(error));
          const ended = endOf(error);
          if (reply !== undefined) reply(ended);
          // As `error`, and not by `destroy`, which sends no status.
          else call.emit('error', ended);
        },
      );
    };
    return [name, handle];
  });
  return Object.fromEntries(handlers) as UntypedServiceImplementation;
}

function cancelling(call: AnyCall): AbortController {
  const given = new AbortController();
  call.on('cancelled', () => {
    given.abort();
  });
  if (call.cancelled) given.abort();
  return given;
}

function cancelled(): KeelsonError {
  return new KeelsonError('KEELSON_ABORTED', 'the call was cancelled by its client.');
}
