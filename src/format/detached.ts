/**
 * True if the memory under `bytes` was handed to someone else (`postMessage` or `structuredClone` with `transfer`). Such an
 * array reads as empty, and must not be taken for one that is: what the caller meant to save is gone.
 */
export function isDetached(bytes: Uint8Array): boolean {
  if (bytes.length > 0) return false;
  try {
    // Node 20 has no `ArrayBuffer.prototype.detached`; a view over such a buffer cannot be made.
    new Uint8Array(bytes.buffer);
    return false;
  } catch {
    return true;
  }
}
