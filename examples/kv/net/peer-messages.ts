import type { SnapshotPiece } from '../../../sim/raft/index.js';
import type { CarryRequest, CarrySnapshotRequest } from '../generated/keelson/examples/kv/v1/peer.js';
import type { PeerMessage } from '../host/engine.js';

type Body = NonNullable<CarryRequest['body']>;
type SnapshotMessage = Extract<PeerMessage, { readonly type: 'snapshot-chunk' }>;
type PlainMessage = Exclude<PeerMessage, SnapshotMessage>;
type Unaddressed = PlainMessage extends infer M
  ? M extends PeerMessage
    ? Omit<M, 'from' | 'to' | 'term'>
    : never
  : never;

/** Whether a message travels on the snapshots' own stream. */
export function isSnapshot(message: PeerMessage): message is SnapshotMessage {
  return message.type === 'snapshot-chunk';
}

/** Bytes of entries and of a snapshot in a message, without what goes around them. */
export function bytesCarried(message: PeerMessage): number {
  if (message.type === 'snapshot-chunk') return message.data.length;
  if (message.type === 'foreign') return message.bytes.length;
  return message.type === 'append' ? message.entries.reduce((sum, { data }) => sum + data.length, 0) : 0;
}

/** A message as it travels. */
export function encodeMessage(message: PlainMessage): CarryRequest {
  return { to: message.to, term: message.term, body: encodeBody(message) };
}

/** A message as the Raft takes it; null for one of a kind that this version does not know. `from` is who called. */
export function decodeMessage(from: string, { to, term, body }: CarryRequest): PeerMessage | null {
  const decoded = body === undefined ? null : decodeBody(body);
  return decoded === null ? null : { from, to, term, ...decoded };
}

export function encodeSnapshotMessage(message: SnapshotMessage): CarrySnapshotRequest {
  const { to, term, snapshot, offset, data, isLast } = message;
  const { index, conf } = snapshot;
  return { to, term, snapshot: { index, term: snapshot.term }, conf, offset, data, isLast };
}

export function decodeSnapshotMessage(from: string, request: CarrySnapshotRequest): PeerMessage | null {
  const { to, term, snapshot, conf, offset, data, isLast } = request;
  if (snapshot === undefined) return null;
  const piece: SnapshotPiece = { snapshot: { ...snapshot, conf }, offset, data, isLast };
  return { type: 'snapshot-chunk', from, to, term, ...piece };
}

function encodeBody(message: PlainMessage): Body {
  switch (message.type) {
    case 'pre-vote':
      return { $case: 'preVote', value: { lastIndex: message.lastIndex, lastTerm: message.lastTerm } };
    case 'pre-vote-response':
      return { $case: 'preVoteResponse', value: { granted: message.granted } };
    case 'vote': {
      const { lastIndex, lastTerm, transfer } = message;
      return { $case: 'vote', value: { logEnd: { lastIndex, lastTerm }, transfer } };
    }
    case 'vote-response':
      return { $case: 'voteResponse', value: { granted: message.granted } };
    case 'append': {
      const { prevIndex, prevTerm, commit } = message;
      const entries = message.entries.map((entry) => ({ ...entry, kind: entry.kind ?? 0 }));
      return { $case: 'append', value: { prevIndex, prevTerm, entries, commit } };
    }
    case 'append-response': {
      const { index, rejected } = message;
      return { $case: 'appendResponse', value: { index, rejected: rejected ?? undefined } };
    }
    case 'heartbeat':
      return { $case: 'heartbeat', value: { commit: message.commit, round: message.round } };
    case 'heartbeat-response':
      return { $case: 'heartbeatResponse', value: { round: message.round } };
    case 'snapshot-response':
      return { $case: 'snapshotResponse', value: { snapshot: message.snapshot, offset: message.offset } };
    case 'timeout-now':
      return { $case: 'timeoutNow', value: {} };
    case 'read-index':
      return { $case: 'readIndex', value: { requestId: message.requestId } };
    case 'read-index-response':
      return { $case: 'readIndexResponse', value: { requestId: message.requestId, index: message.index } };
    case 'foreign':
      return { $case: 'foreign', value: message.bytes };
  }
}

function decodeBody(body: Body): Unaddressed | null {
  switch (body.$case) {
    case 'preVote':
      return { type: 'pre-vote', ...body.value };
    case 'preVoteResponse':
      return { type: 'pre-vote-response', ...body.value };
    case 'vote': {
      const { logEnd, transfer } = body.value;
      return logEnd === undefined ? null : { type: 'vote', ...logEnd, transfer };
    }
    case 'voteResponse':
      return { type: 'vote-response', ...body.value };
    case 'append':
      return { type: 'append', ...body.value };
    case 'appendResponse':
      return { type: 'append-response', index: body.value.index, rejected: body.value.rejected ?? null };
    case 'heartbeat':
      return { type: 'heartbeat', ...body.value };
    case 'heartbeatResponse':
      return { type: 'heartbeat-response', ...body.value };
    case 'snapshotResponse': {
      const { snapshot, offset } = body.value;
      return snapshot === undefined ? null : { type: 'snapshot-response', snapshot, offset };
    }
    case 'timeoutNow':
      return { type: 'timeout-now' };
    case 'readIndex':
      return { type: 'read-index', ...body.value };
    case 'readIndexResponse':
      return { type: 'read-index-response', ...body.value };
    case 'foreign':
      return { type: 'foreign', bytes: body.value };
  }
}
