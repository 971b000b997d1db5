import type { status } from '@grpc/grpc-js';
import {
  type Metadata,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { KeelsonError } from '../../errors/index.js';
import type { Method, RaftLogCalls } from '../calls.js';
import { tooMany } from '../server/refusals.js';
import { messagesOf, writeAll } from './message-stream.js';
import { METHODS } from './service-definition.js';
import { endOf, type CallEnd } from './status.js';

/** What the server looks at before a call reaches the service, and what it hears of each. */
export interface CallGuard {
  /** Calls under way at one time. */
  readonly callsMax: number;
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

/** Carries calls of grpc-js to the service. */
export function grpcService(calls: RaftLogCalls, guard: CallGuard): UntypedServiceImplementation {
  let underWay = 0;
  const handlers = Object.keys(METHODS).map((name) => {
    const method = name as Method;
    const { requestStream, responseStream, readRequest } = METHODS[method];
    const run = async (call: AnyCall): Promise<unknown> => {
      if (underWay > guard.callsMax) throw tooMany('calls under way', guard.callsMax);
      guard.checkAllowed(call.metadata);
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
      underWay += 1;
      const end = (error: unknown): void => {
        underWay -= 1;
        const code = error === null ? 'OK' : error instanceof KeelsonError ? error.code : 'INTERNAL';
        guard.onEnd(method, code, guard.now() - startMs);
      };
      run(call).then(
        (value) => {
          end(null);
          if (reply !== undefined) reply(null, value);
          else call.end();
        },
        (error: unknown) => {
          end(error);
          const ended = error instanceof Refused ? endOf(error.reason, error.code) : endOf(error);
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

/** What is refused with a status of its own. */
export class Refused extends Error {
  readonly reason: KeelsonError;
  readonly code: status;
  constructor(reason: KeelsonError, code: status) {
    super(reason.message);
    this.reason = reason;
    this.code = code;
  }
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
