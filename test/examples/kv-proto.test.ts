/**
 * At stake: code that was generated from another file than the one beside it, or mended by hand, speaks another
 * language than it says. Tried by linting the .proto files and generating the code anew.
 */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { buf, filesIn } from '../grpc/buf.js';
import { scratchDirectory } from './scratch-directory.js';

const root = join(import.meta.dirname, '../..');
describe.each(['kv', 'etcd-raft'])('of examples/%s', (example) => {
  test('the .proto files keep to the rules', () => {
    expect(buf('lint', `examples/${example}`)).toBe('');
  });

  test('the generated code is what the .proto files say', () => {
    const scratch = scratchDirectory();
    const place = `examples/${example}/generated`;
    buf('generate', '--template', `examples/${example}/buf.gen.yaml`, '--output', scratch);
    const anew = filesIn(join(scratch, place));
    expect(Object.keys(anew).length).toBeGreaterThan(0);
    expect(filesIn(join(root, place))).toEqual(anew);
  });
});
