/** `length` bytes that follow from a seed: no two entries of a scenario are alike, so one in another's place shows. */
export function payloadOf(seed: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed | 1;
  for (let at = 0; at < length; at++) {
    // xorshift32, one step for four bytes.
    if ((at & 3) === 0) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
    }
    bytes[at] = state >>> ((at & 3) * 8);
  }
  return bytes;
}
