import { Metadata } from '@grpc/grpc-js';
import type { Caller } from '../cluster/acquaintance.js';

const CLUSTER = 'keelson-cluster';
const MEMBER = 'keelson-member';
const IDENTITY = 'keelson-store';
const LOG = 'keelson-log';
const RUN = 'keelson-run';

/** What a client says of itself: which cluster it means. */
export function clientMetadata(clusterId: string): Metadata {
  const metadata = new Metadata();
  metadata.set(CLUSTER, encodeURIComponent(clusterId));
  return metadata;
}

/** What a node says of itself. */
export function nodeMetadata({ clusterId, memberId, identity, log, run }: Caller): Metadata {
  const metadata = clientMetadata(clusterId);
  metadata.set(MEMBER, encodeURIComponent(memberId));
  metadata.set(IDENTITY, identity);
  metadata.set(LOG, log);
  metadata.set(RUN, run);
  return metadata;
}

/** Reads what {@link nodeMetadata} or {@link clientMetadata} wrote; what is missing is empty. */
export function callerOf(metadata: Metadata): Caller {
  const text = (name: string): string => String(metadata.get(name)[0] ?? '');
  return {
    clusterId: decode(text(CLUSTER)),
    memberId: decode(text(MEMBER)),
    identity: text(IDENTITY),
    log: text(LOG),
    run: text(RUN),
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
