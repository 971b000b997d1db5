// What a process behind a socket promises must be what the contract says, whatever grpc-js puts between the two.
// The conformance suite runs against a server on this machine, over real connections, on the real file system: a fifth of
// it each time, since the same code passes all of it in one process, and all of it in the deep run.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { connectRaftLog, serveRaftLogs, type RaftLogServer } from '../../src/grpc/index.js';
import { testRaftLogConformance } from '../../src/testing/index.js';

const IS_DEEP = process.env['KEELSON_DEEP'] === '1';
const SHARE = 5;

describe('a log over a connection', () => {
  const root = mkdtempSync(join(tmpdir(), 'keelson-served-'));
  let server: RaftLogServer;
  beforeAll(async () => {
    server = await serveRaftLogs({ root, log: { segmentBytes: 8192 } });
  });
  afterAll(async () => {
    await server.close(0);
    rmSync(root, { recursive: true, force: true });
  });
  let count = 0;
  testRaftLogConformance({
    test: (name, run) => {
      count += 1;
      it.runIf(IS_DEEP || count % SHARE === 0)(name, run);
    },
    open: (name) => connectRaftLog(`127.0.0.1:${server.port}`, { name, batchBytesMax: 262_144 }),
    supports: { reopen: true, batchBytesMax: 262_144 },
    property: { runs: IS_DEEP ? 50 : 2, stepsMax: 15 },
  });
});
