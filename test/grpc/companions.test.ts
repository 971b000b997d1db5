// Operators look at a server by tools that know nothing of it, and a server that ran out of descriptors must serve again.
// Health and reflection are asked as any tool asks them, in bytes; a server under a small limit loses all it may open.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { scratchDirectory } from '../disk/scratch-directory.js';
import { served } from './served.js';

const bytes = (given: Buffer): Buffer => given;

/** A message of one field of text. */
function textField(field: number, text: string): Buffer {
  return Buffer.concat([Buffer.of((field << 3) | 2, text.length), Buffer.from(text)]);
}

async function clientOf(): Promise<Client> {
  const { port } = await served();
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  onTestFinished(() => {
    client.close();
  });
  return client;
}

test('health says that it serves, by its name and as a whole, and knows nothing else', async () => {
  const client = await clientOf();
  const statusOf = (service: string): Promise<unknown> =>
    new Promise((resolve) => {
      const request = textField(1, service);
      client.makeUnaryRequest('/grpc.health.v1.Health/Check', bytes, bytes, request, (error, answer) => {
        resolve(error?.code ?? answer);
      });
    });
  // Field 1, 1: SERVING.
  for (const name of ['', 'keelson.v1.RaftLogService']) expect(await statusOf(name)).toEqual(Buffer.of(8, 1));
  expect(await statusOf('another')).toBe(5);
});

test.each(['v1', 'v1alpha'])(
  'reflection %s tells the service, and what its messages are',
  async (version) => {
    const client = await clientOf();
    const answers: string[] = [];
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    const call = client.makeBidiStreamRequest(path, bytes, bytes);
    const ended = new Promise((resolve, reject) => {
      call.on('end', resolve).on('error', reject);
    });
    call.on('data', (answer: Buffer) => {
      answers.push(answer.toString('latin1'));
    });
    call.write(textField(7, '*'));
    call.write(textField(4, 'keelson.v1.RaftLogService'));
    call.end();
    await ended;
    expect(answers[0]).toContain('keelson.v1.RaftLogService');
    for (const part of ['keelson/v1/raft_log.proto', 'CheckpointRequest', 'truncate_from'])
      expect(answers[1]).toContain(part);
  },
);

test.skipIf(process.platform === 'win32')(
  'a server out of descriptors refuses what needs one, and takes it when there are some again',
  () => {
    const child = join(import.meta.dirname, 'descriptors-child.mjs');
    const built = join(import.meta.dirname, '../../dist/src/grpc/index.js');
    const limited = ['-c', 'ulimit -n 128; exec "$@"', 'sh', process.execPath, child];
    const said = execFileSync('sh', [...limited, built, scratchDirectory()], { encoding: 'utf8' });
    expect(JSON.parse(said)).toEqual({
      refused: ['KEELSON_WRITE_FAILED EMFILE not-persisted'],
      other: 'environment',
      status: 'open',
      lastIndex: 20,
      term: 7,
    });
  },
);
