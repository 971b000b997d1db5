import {
  ServerInterceptingCall,
  type Metadata,
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
import { MessageParts, NOT_COUNTED } from './message-parts.js';
import { messagesOf, writeAll } from './message-stream.js';
import { METHODS } from './service-definition.js';
import { endOf, type CallEnd } from './status.js';

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
type AnyMethod = (request: unknown, signal: AbortSignal) => Promise<unknown> & AsyncIterable<unknown>;

const METHOD_AT = new Map(Object.entries(METHODS).map(([method, { path }]) => [path, method as Method]));

/**
 * Looks at each call before anything of its messages is taken in: they are as large as is allowed, and one that stays half a
 * message is a call under way.
 */
export function guardOf({ callsMax, partBytesMax, checkAllowed, onEnd }: CallGuard): ServerInterceptor {
  const parts = new MessageParts(partBytesMax);
  let underWay = 0;
  return ({ path, requestStream }, call) => {
    const method = METHOD_AT.get(path);
    if (method === undefined) return new ServerInterceptingCall(call);
    const refuse = (error: unknown): void => {
      onEnd(method, codeOf(error), 0);
      call.sendStatus(endOf(error));
    };
    let counted = NOT_COUNTED;
    const onReceiveMetadata = (metadata: Metadata, pass: (metadata: Metadata) => void): void => {
      underWay += 1;
      try {
        if (underWay > callsMax) throw tooMany('calls under way', callsMax);
        checkAllowed(metadata);
      } catch (error) {
        refuse(error);
        return;
      }
      counted = parts.count(call, () => {
        const error = tooMany('bytes of messages that have not come whole', partBytesMax);
        // The end of a stream is heard by who reads it.
        if (requestStream) call.sendStatus(endOf(error));
        else refuse(error);
      });
      pass(metadata);
    };
    const onReceiveMessage = (message: unknown, pass: (message: unknown) => void): void => {
      counted.whole();
      pass(message);
    };
    // It is told of every end.
    const onCancel = (): void => {
      underWay -= 1;
      counted.ended();
    };
    return new ServerInterceptingCall(call, {
      start: (next) => {
        next({ onReceiveMetadata, onReceiveMessage, onCancel });
      },
    });
  };
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
      const { signal } = cancelling(call);
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
