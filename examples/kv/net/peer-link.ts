import { credentials, status, type ServiceError } from '@grpc/grpc-js';
import type { Acquaintance } from '../cluster/acquaintance.js';
import type { Visit } from '../cluster/form-cluster.js';
import { EXIT, ExitError } from '../exit.js';
import {
  type AdmitResponse,
  type CarryRequest,
  type CarrySnapshotRequest,
  type MeetResponse,
  PeerServiceClient,
} from '../generated/keelson/examples/kv/v1/peer.js';
import type { PeerMessage } from '../host/engine.js';
import { nodeMetadata } from './call-metadata.js';
import { CHANNEL_OPTIONS } from './channel-options.js';
import { MessageStream } from './message-stream.js';
import { encodeMessage, encodeSnapshotMessage, isSnapshot } from './peer-messages.js';

const VISIT_MS_MAX = 2000;

export interface PeerLinkEvents {
  /** Messages of late may be lost. */
  readonly onLost: (memberId: string) => void;
  /** The other side will not have this node. */
  readonly onRefused: (error: ExitError) => void;
}

/** The way to one other member. */
export class PeerLink {
  readonly #memberId: string;
  readonly #address: string;
  readonly #acquaintance: Acquaintance;
  readonly #client: PeerServiceClient;
  readonly #messages: MessageStream<CarryRequest>;
  readonly #snapshots: MessageStream<CarrySnapshotRequest>;

  constructor(memberId: string, acquaintance: Acquaintance, events: PeerLinkEvents) {
    this.#memberId = memberId;
    this.#acquaintance = acquaintance;
    this.#address = acquaintance.member.addresses[memberId] ?? '';
    this.#client = new PeerServiceClient(this.#address, credentials.createInsecure(), CHANNEL_OPTIONS);
    const onLost = (error: ServiceError | null): void => {
      if (error !== null && isRefusal(error)) events.onRefused(this.#refusal(error));
      events.onLost(memberId);
    };
    this.#messages = new MessageStream({
      open: (onEnd) => this.#client.carry(nodeMetadata(acquaintance.self), onEnd),
      onLost,
    });
    this.#snapshots = new MessageStream({
      open: (onEnd) => this.#client.carrySnapshot(nodeMetadata(acquaintance.self), onEnd),
      onLost,
    });
  }

  send(message: PeerMessage): void {
    if (isSnapshot(message)) this.#snapshots.send(encodeSnapshotMessage(message));
    else this.#messages.send(encodeMessage(message));
  }

  /** Meets the member; rejects with an {@link ExitError} if it will not have this node, or is not who it should be. */
  async visit(): Promise<Visit> {
    const { member } = this.#acquaintance;
    let answer: MeetResponse;
    try {
      answer = await this.#meet(member.known);
    } catch (error) {
      if (isRefusal(error)) throw this.#refusal(error);
      return { kind: 'absent', why: error instanceof Error ? error.message : String(error) };
    }
    const { memberId, identity, known } = answer;
    if (memberId !== this.#memberId) {
      throw new ExitError(
        EXIT.refused,
        `at ${this.#address} there is member '${memberId}', not '${this.#memberId}'`,
      );
    }
    this.#acquaintance.meet({ clusterId: member.clusterId, memberId, identity }, known);
    return { kind: 'met' };
  }

  /** Asks to be a voter; null if there is no answer. */
  admit(): Promise<AdmitResponse | null> {
    const deadline = Date.now() + VISIT_MS_MAX;
    return new Promise((resolve) => {
      this.#client.admit({}, nodeMetadata(this.#acquaintance.self), { deadline }, (error, answer) => {
        resolve(error === null ? answer : null);
      });
    });
  }

  close(): void {
    this.#messages.close();
    this.#snapshots.close();
    this.#client.close();
  }

  #meet(known: Readonly<Record<string, string>>): Promise<MeetResponse> {
    const { self, member, isJoiner } = this.#acquaintance;
    const metadata = nodeMetadata(self);
    const joinAddress = isJoiner ? member.addresses[member.memberId] : undefined;
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + VISIT_MS_MAX;
      this.#client.meet({ known, joinAddress }, metadata, { deadline }, (error, answer) => {
        if (error === null) resolve(answer);
        else reject(error);
      });
    });
  }

  #refusal(error: ServiceError): ExitError {
    const who = `member '${this.#memberId}' at ${this.#address}`;
    return new ExitError(EXIT.refused, `${who} refuses this node: ${error.details}.`, error);
  }
}

function isRefusal(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && error.code === status.PERMISSION_DENIED;
}
