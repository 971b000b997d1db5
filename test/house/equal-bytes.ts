import { expect } from 'vitest';

/**
 * Bytes are compared as bytes. Left to itself `toEqual` walks through them as through any object, some microseconds for
 * each, and tests that hold whole files against each other would spend most of their time there.
 */
expect.addEqualityTesters([
  (a: unknown, b: unknown) =>
    a instanceof Uint8Array && b instanceof Uint8Array ? Buffer.compare(a, b) === 0 : undefined,
]);
