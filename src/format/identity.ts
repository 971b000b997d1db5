/** Bytes of a lineage, a store's id, a writer's nonce and a segment's identity. Random; long enough that no two are ever equal. */
export const IDENTITY_BYTES = 16;

/** True if both hold the same bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false;
  return true;
}

/** An identity as lower-case hex, for messages. */
export function identityText(identity: Uint8Array): string {
  return Array.from(identity, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
