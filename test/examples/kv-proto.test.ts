/**
 * At stake: code that was generated from another file than the one beside it, or mended by hand, speaks another
 * language than it says. Tried by linting the .proto files and generating the code anew.
 */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buf, filesIn } from '../grpc/buf.js';
import { scratchDirectory } from './scratch-directory.js';

const root = join(import.meta.dirname, '../..');
const PLACE = 'examples/kv/generated';

test('the .proto files keep to the rules', () => {
  expect(buf('lint', 'examples/kv')).toBe('');
});

test('the generated code is what the .proto files say', () => {
  const scratch = scratchDirectory();
  buf('generate', '--template', 'examples/kv/buf.gen.yaml', '--output', scratch);
  const anew = filesIn(join(scratch, PLACE));
  expect(Object.keys(anew).length).toBeGreaterThan(2);
  expect(filesIn(join(root, PLACE))).toEqual(anew);
});
