import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type CallOptions, type Metadata, type ServiceError, status } from '@grpc/grpc-js';
import {
  type KvServiceClient,
  Refused_Reason,
  type ScanResponse,
  type ScanResponse_Pair,
  type StatusResponse,
  type WriteResponse,
} from '../generated/keelson/examples/kv/v1/kv.js';
import { clientMetadata } from '../net/call-metadata.js';
import type { Connections } from './connections.js';

/** Milliseconds that one node is given before another is asked. */
const ATTEMPT_MS = 2000;
/** Twice as long from try to try: a cluster without a leader elects none sooner for being asked more often. */
const PAUSE_MS = { first: 50, max: 400 } as const;

/** What was read: null if there is no such key. */
export interface Found {
  readonly value: Uint8Array;
  readonly revision: number;
}

/** The client stopped trying. A write may have been done, or be done later; a read was not answered. */
export class GaveUpError extends Error {
  override readonly name = 'GaveUpError';
}

export interface KvClientOptions {
  readonly clusterId: string;
  /** Of some or all nodes; leaders are found from there. */
  readonly addresses: readonly string[];
  readonly connections: Connections;
  /** How long one request is tried, in milliseconds. */
  readonly giveUpMs: number;
  /** Gives up all requests. */
  readonly signal?: AbortSignal;
}

type Attempt<T> =
  | { readonly kind: 'done'; readonly value: T }
  /** Ask again: there if it says where, else anywhere. */
  | { readonly kind: 'again'; readonly address: string | null; readonly why: string };

/**
 * A client of the cluster. It follows hints to the leader and tries again until it is answered; a write that is tried
 * again carries the same sequence, so it is applied once. One write at a time.
 */
export class KvClient {
  readonly #options: KvClientOptions;
  readonly #metadata: Metadata;
  #clientId = newClientId();
  #sequence = 0;
  #address: string;

  constructor(options: KvClientOptions) {
    this.#options = options;
    this.#metadata = clientMetadata(options.clusterId);
    this.#address = options.addresses[Math.floor(Math.random() * options.addresses.length)] ?? '';
  }

  /** Resolves to the write's place among all writes once it is acknowledged. `null` deletes. {@link GaveUpError}. */
  async write(key: string, value: Uint8Array | null): Promise<number> {
    this.#sequence += 1;
    const request = { clientId: this.#clientId, sequence: this.#sequence, key, value: value ?? undefined };
    try {
      return await this.#try(async (node, options) => {
        const response = await unary<WriteResponse>((done) =>
          node.write(request, this.#metadata, options, done),
        );
        return judge(response);
      });
    } catch (error) {
      // Its fate is unknown. The next write under this name could overtake it, so there will be none.
      this.#clientId = newClientId();
      this.#sequence = 0;
      throw error;
    }
  }

  /** Linearizable. {@link GaveUpError}. */
  async read(key: string): Promise<Found | null> {
    return this.#try(async (node, options) => {
      const { value, revision } = await unary(
        (done: Done<{ value?: Uint8Array | undefined; revision: number }>) =>
          node.read({ key }, this.#metadata, options, done),
      );
      return { kind: 'done', value: value === undefined ? null : { value, revision } };
    });
  }

  /** What one node says of itself. Asked once. */
  async status(address: string): Promise<StatusResponse> {
    const node = this.#options.connections.to(address);
    return unary((done) => node.status({}, this.#metadata, { deadline: Date.now() + ATTEMPT_MS }, done));
  }

  /** All that one node holds, in order of keys. Asked once. */
  async scan(address: string): Promise<readonly ScanResponse_Pair[]> {
    const pairs: ScanResponse_Pair[] = [];
    const pages = this.#options.connections.to(address).scan({}, this.#metadata);
    for await (const page of pages as AsyncIterable<ScanResponse>) pairs.push(...page.pairs);
    return pairs;
  }

  async #try<T>(ask: (node: KvServiceClient, options: CallOptions) => Promise<Attempt<T>>): Promise<T> {
    const { connections, giveUpMs, addresses, signal } = this.#options;
    const endMs = performance.now() + giveUpMs;
    for (let pauseMs: number = PAUSE_MS.first; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS.max)) {
      const leftMs = endMs - performance.now();
      const deadline = Date.now() + Math.max(1, Math.min(ATTEMPT_MS, leftMs));
      const attempt = await ask(connections.to(this.#address), { deadline }).catch(againIfTransient);
      if (attempt.kind === 'done') return attempt.value;
      if (performance.now() >= endMs)
        throw new GaveUpError(`no answer in ${giveUpMs} ms, lastly: ${attempt.why}`);
      if (signal?.aborted === true) throw new GaveUpError('told to give up');
      if (attempt.address !== null && attempt.address !== this.#address) {
        this.#address = attempt.address;
        continue;
      }
      this.#address = addresses[(addresses.indexOf(this.#address) + 1) % addresses.length] ?? this.#address;
      await delay(Math.random() * pauseMs);
    }
  }
}

type Done<T> = (error: ServiceError | null, response: T) => void;

function unary<T>(call: (done: Done<T>) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, response) => {
      if (error === null) resolve(response);
      else reject(error);
    });
  });
}

function judge({ outcome }: WriteResponse): Attempt<number> {
  switch (outcome?.$case) {
    case 'written':
      return { kind: 'done', value: outcome.value.revision };
    case 'notLeader':
      return { kind: 'again', address: outcome.value.leaderAddress ?? null, why: 'it does not lead' };
    case 'refused': {
      const isExpired = outcome.value.reason === Refused_Reason.SESSION_EXPIRED;
      throw new GaveUpError(
        isExpired ? 'the cluster has forgotten this client' : 'a later write of this client was applied',
      );
    }
    case undefined:
      throw new Error('the node answered with an outcome that this client does not know');
  }
}

/** A node that is down, starting or without a leader is no reason to fail; a wrong request is. */
function againIfTransient(error: unknown): {
  readonly kind: 'again';
  readonly address: null;
  readonly why: string;
} {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  const isTransient =
    code === status.UNAVAILABLE ||
    code === status.DEADLINE_EXCEEDED ||
    code === status.CANCELLED ||
    code === status.RESOURCE_EXHAUSTED;
  if (!isTransient) throw error;
  return { kind: 'again', address: null, why: String(error) };
}

function newClientId(): string {
  return randomBytes(8).toString('hex');
}
