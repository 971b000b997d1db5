import type {
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { KeelsonError } from '../../errors/index.js';
import type { Method, RaftLogCalls } from '../calls.js';
import { codeOf, type CallGuard } from './guarded-call.js';
import { messagesOf, writeAll } from './message-stream.js';
import { METHODS } from './service-definition.js';
import { endOf, type CallEnd } from './status.js';

type AnyCall = ServerUnaryCall<Buffer, unknown> &
  ServerReadableStream<unknown, unknown> &
  ServerWritableStream<unknown, unknown> &
  ServerDuplexStream<unknown, unknown>;
type Answer = (error: CallEnd | null, value?: unknown) => void;
type AnyMethod = (request: unknown, signal?: AbortSignal) => Promise<unknown> & AsyncIterable<unknown>;

/** Its messages are left by `return`, which it heeds at once: a signal would take as much as all else of a silent reader. */
const LEFT: Method = 'entries';

/** Carries calls of grpc-js to the service. */
export function grpcService(calls: RaftLogCalls, guard: CallGuard): UntypedServiceImplementation {
  const handlers = Object.keys(METHODS).map((name) => {
    const method = name as Method;
    const { requestStream, responseStream, readRequest } = METHODS[method];
    const run = async (call: AnyCall): Promise<unknown> => {
      if (requestStream) readOneAhead(call);
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

/** Streams of grpc-js read 16 messages of any size ahead, and take no option. */
function readOneAhead(call: AnyCall): void {
  const { _readableState: state } = call as unknown as {
    readonly _readableState?: { highWaterMark: number };
  };
  if (state !== undefined) state.highWaterMark = 1;
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
