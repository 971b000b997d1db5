import { type Metadata, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import type { KvHost } from '../host/kv-host.js';
import { NotLeaderError, TryAgainError } from '../host/refusals.js';
import { Command } from '../generated/keelson/examples/kv/v1/state.js';
import {
  type KvServiceServer,
  Refused_Reason,
  type ScanResponse,
  type StatusResponse,
  type WriteRequest,
  type WriteResponse,
} from '../generated/keelson/examples/kv/v1/kv.js';
import type { KeyValueState, Outcome } from '../state/key-value-state.js';
import { callerOf } from './call-metadata.js';
import { callError } from './peer-service.js';

/** Bytes of a key and of a value. */
export const KEY_BYTES_MAX = 1024;
export const VALUE_BYTES_MAX: number = 1024 * 1024;

/** Pairs in one message of a scan. */
const SCAN_PAIRS = 256;

export interface ServedNode {
  readonly clusterId: string;
  /** Of the members, by member id, as of now: others may join. */
  readonly addresses: () => Readonly<Record<string, string>>;
  readonly host: KvHost;
  readonly state: KeyValueState;
}

/** A call that cannot be right, however often it is made. */
class BadCallError extends Error {}

/** What clients may ask. `served` is null while this node does not take part yet. */
export function clientService(clusterId: string, served: () => ServedNode | null): KvServiceServer {
  const nodeFor = (metadata: Metadata): ServedNode => {
    const asked = callerOf(metadata).clusterId;
    if (asked !== clusterId) {
      throw new BadCallError(`this node is of cluster '${clusterId}', the caller means '${asked}'`);
    }
    const node = served();
    if (node === null) throw new TryAgainError('this node does not take part yet');
    return node;
  };

  const answered =
    <Request, Response>(serve: (node: ServedNode, request: Request) => Promise<Response>) =>
    (call: ServerUnaryCall<Request, Response>, answer: sendUnaryData<Response>): void => {
      const serving = async (): Promise<Response> => serve(nodeFor(call.metadata), call.request);
      serving().then(
        (response) => {
          answer(null, response);
        },
        (error: unknown) => {
          answer(asCallError(error));
        },
      );
    };

  return {
    write: answered(write),
    read: answered(async ({ host, state }, { key }) => {
      checkKey(key);
      await host.mayRead();
      const pair = state.get(key);
      return { value: pair?.value, revision: pair?.revision ?? 0 };
    }),
    status: answered(async (node) => statusOf(node)),
    scan: (call) => {
      let pages: Generator<ScanResponse>;
      try {
        pages = scan(nodeFor(call.metadata).state);
      } catch (error) {
        call.destroy(asCallError(error));
        return;
      }
      const send = (): void => {
        for (;;) {
          const page = pages.next();
          if (page.done === true) {
            call.end();
            return;
          }
          if (!call.write(page.value)) break;
        }
        call.once('drain', send);
      };
      send();
    },
  };
}

async function write({ host, addresses }: ServedNode, request: WriteRequest): Promise<WriteResponse> {
  const { clientId, sequence, key, value } = request;
  checkKey(key);
  if (clientId === '' || clientId.length > 64 || sequence < 1) {
    throw new BadCallError(
      `a write needs a client id of 1..64 characters and a sequence from 1, got '${clientId}' and ${sequence}`,
    );
  }
  if (value !== undefined && value.length > VALUE_BYTES_MAX) {
    throw new BadCallError(`a value has at most ${VALUE_BYTES_MAX} bytes, got ${value.length}`);
  }
  try {
    return answerTo(await host.propose(Command.encode({ clientId, sequence, key, value }).finish()));
  } catch (error) {
    if (!(error instanceof NotLeaderError)) throw error;
    const { leader } = error;
    const leaderAddress = leader === null ? undefined : addresses()[leader];
    return { outcome: { $case: 'notLeader', value: { leaderId: leader ?? undefined, leaderAddress } } };
  }
}

function answerTo(outcome: Outcome): WriteResponse {
  switch (outcome.kind) {
    case 'written':
      return { outcome: { $case: 'written', value: { revision: outcome.revision } } };
    case 'old-sequence':
      return { outcome: { $case: 'refused', value: { reason: Refused_Reason.OLD_SEQUENCE } } };
    case 'session-expired':
      return { outcome: { $case: 'refused', value: { reason: Refused_Reason.SESSION_EXPIRED } } };
  }
}

function* scan(state: KeyValueState): Generator<ScanResponse> {
  const pairs = state.sortedPairs();
  for (let from = 0; from < pairs.length; from += SCAN_PAIRS) {
    yield { pairs: pairs.slice(from, from + SCAN_PAIRS).map(([key, pair]) => ({ key, ...pair })) };
  }
}

function statusOf({ host, state }: ServedNode): StatusResponse {
  const { id, role, term, leader, commit, firstIndex, lastIndex, storageState } = host.status;
  return {
    memberId: id,
    role,
    term,
    leaderId: leader ?? undefined,
    commit,
    applied: state.applied,
    firstIndex,
    lastIndex,
    storageState,
    keyCount: state.keyCount,
    stateHash: state.hash(),
  };
}

function checkKey(key: string): void {
  const bytes = Buffer.byteLength(key);
  if (bytes < 1 || bytes > KEY_BYTES_MAX)
    throw new BadCallError(`a key has 1..${KEY_BYTES_MAX} bytes, got ${bytes}`);
}

function asCallError(error: unknown): ReturnType<typeof callError> {
  if (error instanceof BadCallError) return callError(status.INVALID_ARGUMENT, error.message);
  if (error instanceof TryAgainError) return callError(status.UNAVAILABLE, error.message);
  return callError(status.INTERNAL, String(error));
}
