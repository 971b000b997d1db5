// Clients in other languages are made from the .proto alone, so it must keep to the rules, change only in ways that older
// clients bear, and be what our own code was made from. The linter, the breaking check and the generator run on it.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { scratchDirectory } from '../disk/scratch-directory.js';
import { buf, filesIn } from './buf.js';

const root = resolve(import.meta.dirname, '../..');
const PROTO = 'src/grpc/proto/keelson/v1/raft_log.proto';

test('the .proto file keeps to the rules', () => {
  expect(buf('lint', 'src/grpc')).toBe('');
});

test('the generated code is what the .proto file says', () => {
  const scratch = scratchDirectory();
  buf('generate', '--template', 'src/grpc/buf.gen.yaml', '--output', scratch);
  const descriptor = join(scratch, 'src/grpc/generated/keelson/v1/raft_log_descriptor.ts');
  execFileSync(process.execPath, ['proto-descriptor.mjs', descriptor], { cwd: root });
  expect(filesIn(join(root, 'src/grpc/generated'))).toEqual(filesIn(join(scratch, 'src/grpc/generated')));
});

test('a client made from the .proto of before goes on to work', () => {
  expect(buf('breaking', 'src/grpc', '--against', 'test/grpc/proto-before')).toBe('');
});

test('a change that older clients do not bear is found', () => {
  const scratch = scratchDirectory();
  const path = join(scratch, 'proto/keelson/v1/raft_log.proto');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(
    path,
    readFileSync(join(root, PROTO), 'utf8').replace('uint64 epoch = 3;', 'uint64 epoch = 4;'),
  );
  writeFileSync(join(scratch, 'buf.yaml'), readFileSync(join(root, 'src/grpc/buf.yaml')));
  let told = '';
  try {
    buf('breaking', scratch, '--against', 'test/grpc/proto-before');
  } catch (error) {
    told = (error as { readonly stdout: string }).stdout;
  }
  expect(told).toMatch(/field "3".*deleted/u);
});
