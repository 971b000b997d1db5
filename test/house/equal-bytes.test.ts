// At stake: tests that hold bytes against bytes must still tell every difference. Tried: values, lengths and classes.
import { expect, test } from 'vitest';

const bytes = Uint8Array.of(1, 2, 3);

test('bytes are equal by what they are, wherever they stand', () => {
  expect({ data: [bytes] }).toEqual({ data: [Buffer.of(1, 2, 3)] });
  expect(Buffer.of(0, 1, 2, 3).subarray(1)).toEqual(bytes);
});

test.each([[[1, 2, 4]], [[1, 2]], [[1, 2, 3, 0]]])('%j are others', (other) => {
  expect({ data: [bytes] }).not.toEqual({ data: [Uint8Array.from(other)] });
  expect(bytes).not.toEqual(other);
});
