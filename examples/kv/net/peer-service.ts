import { type ServerReadableStream, type sendUnaryData, type ServiceError, status } from '@grpc/grpc-js';
import { type Acquaintance, type Caller, StrangerError } from '../cluster/acquaintance.js';
import type { AdmitResponse, PeerServiceServer } from '../generated/keelson/examples/kv/v1/peer.js';
import type { PeerMessage } from '../host/engine.js';
import { callerOf } from './call-metadata.js';
import { decodeMessage, decodeSnapshotMessage } from './peer-messages.js';

/** What other members may say to this node. `take` is null while it does not take part yet. */
export function peerService(
  acquaintance: Acquaintance,
  taker: () => ((message: PeerMessage) => void) | null,
  admit: (memberId: string) => AdmitResponse | null,
  onStranger: (error: StrangerError) => void,
): PeerServiceServer {
  const check = (caller: Caller, joinAddress: string | null = null): ServiceError | null => {
    try {
      acquaintance.check(caller, joinAddress);
      acquaintance.heard(caller);
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
    decode: (from: string, request: Request) => PeerMessage | null,
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
    let isOver = false;
    call.on('data', (request: Request) => {
      if (isOver) return;
      const outlived = acquaintance.isOutlived(caller) ? check(caller) : null;
      if (outlived !== null) {
        isOver = true;
        answer(outlived);
        return;
      }
      const message = decode(memberId, request);
      if (message !== null) taker()?.(message);
    });
    // It ends with its sender's process.
    call.on('error', () => undefined);
    call.on('end', () => {
      if (!isOver) answer(null, done);
    });
  }

  return {
    meet: (call, answer) => {
      const caller = callerOf(call.metadata);
      const joinAddress = call.request.joinAddress ?? null;
      const refusal = check(caller, joinAddress);
      if (refusal !== null) {
        answer(refusal);
        return;
      }
      acquaintance.meet(caller, call.request.known, joinAddress);
      const { memberId, identity, known } = acquaintance.member;
      answer(null, { memberId, identity, known });
    },
    admit: (call, answer) => {
      const caller = callerOf(call.metadata);
      const refusal = check(caller);
      const admitted = refusal === null ? admit(caller.memberId) : null;
      if (admitted !== null) answer(null, admitted);
      else answer(refusal ?? callError(status.UNAVAILABLE, 'this node does not take part yet'));
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
