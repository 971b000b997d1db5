import { type ServerReadableStream, type sendUnaryData, type ServiceError, status } from '@grpc/grpc-js';
import type { Message } from '../../../sim/raft/index.js';
import { type Acquaintance, type Caller, StrangerError } from '../cluster/acquaintance.js';
import type { PeerServiceServer } from '../generated/keelson/examples/kv/v1/peer.js';
import { callerOf } from './call-metadata.js';
import { decodeMessage, decodeSnapshotMessage } from './peer-messages.js';

/** What other members may say to this node. `take` is null while it does not take part yet. */
export function peerService(
  acquaintance: Acquaintance,
  taker: () => ((message: Message) => void) | null,
  onStranger: (error: StrangerError) => void,
): PeerServiceServer {
  const check = (caller: Caller): ServiceError | null => {
    try {
      acquaintance.check(caller);
      return null;
    } catch (error) {
      if (!(error instanceof StrangerError)) throw error;
      onStranger(error);
      return callError(status.PERMISSION_DENIED, error.message);
    }
  };

  /** Takes a stream's messages until it ends. Each is of the caller that was checked when it began. */
  function take<Request, Response>(
    call: ServerReadableStream<Request, Response>,
    answer: sendUnaryData<Response>,
    decode: (from: string, request: Request) => Message | null,
    done: Response,
  ): void {
    const caller = callerOf(call.metadata);
    const { memberId } = caller;
    const refusal =
      check(caller) ??
      (taker() === null ? callError(status.UNAVAILABLE, 'this node does not take part yet') : null);
    if (refusal !== null) {
      answer(refusal);
      return;
    }
    call.on('data', (request: Request) => {
      const message = decode(memberId, request);
      if (message !== null) taker()?.(message);
    });
    // It ends with its sender's process.
    call.on('error', () => undefined);
    call.on('end', () => {
      answer(null, done);
    });
  }

  return {
    meet: (call, answer) => {
      const caller = callerOf(call.metadata);
      const refusal = check(caller);
      if (refusal !== null) {
        answer(refusal);
        return;
      }
      acquaintance.meet(caller, call.request.known);
      const { memberId, identity, known } = acquaintance.member;
      answer(null, { memberId, identity, known });
    },
    carry: (call, answer) => {
      take(call, answer, decodeMessage, {});
    },
    carrySnapshot: (call, answer) => {
      take(call, answer, decodeSnapshotMessage, {});
    },
  };
}

/** An error as grpc-js wants it. */
export function callError(code: status, details: string): ServiceError {
  return Object.assign(new Error(details), { code, details }) as ServiceError;
}
