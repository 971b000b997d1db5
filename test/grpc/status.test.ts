// An error must reach whoever called whatever it says: trailers beyond some size, and halves of letters, are lost on the way.
// Errors of long texts and paths, in letters of four bytes, become the end of a call, and what it takes is measured.
import { expect, test } from 'vitest';
import { KeelsonError } from '../../src/errors/index.js';
import { Error as ErrorMessage } from '../../src/grpc/generated/keelson/v1/raft_log.js';
import { endOf } from '../../src/grpc/net/status.js';

test('a long error is cut between letters, and its code, path and fate stay', () => {
  for (const letter of ['a', 'é', '\u{1F6A2}', 'a\u{1F6A2}\u{1F6A2}']) {
    const path = `/${letter.repeat(4000)}`;
    const error = new KeelsonError('KEELSON_NOT_A_LOG', `${path} holds no log.`, {
      path,
      fate: 'not-persisted',
      found: 'x'.repeat(250),
    });
    const { details, metadata } = endOf(error);
    // As it is sent; of half a letter nothing can be made.
    expect(encodeURI(details).length).toBeLessThanOrEqual(3 * 1024);
    const [trailer] = metadata.get('keelson-error-bin');
    expect(trailer?.length).toBeLessThanOrEqual(4096);
    const message = ErrorMessage.decode(trailer as Buffer);
    expect(message).toMatchObject({ code: 'KEELSON_NOT_A_LOG', fate: 1 });
    expect(path.startsWith(message.path ?? '')).toBe(true);
    expect(message.path?.length).toBeGreaterThan(200);
  }
});
