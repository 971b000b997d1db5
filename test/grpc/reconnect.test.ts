// A log must go on as soon as its server is back: patience has its end, and a server that dies again is not there for long.
// Calls are lost until the pauses between attempts are long, the server begins anew, and the pauses are looked at.
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Environment } from '../../src/disk/environment.js';
import { nodeEnvironment } from '../../src/disk/node-environment.js';
import { ConnectionLost, type RaftLogCalls } from '../../src/grpc/calls.js';
import { openRemoteLog } from '../../src/grpc/client/remote-raft-log.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { DEFAULTS } from '../../src/raft-log/rules/options.js';
import { scratchDirectory } from '../disk/scratch-directory.js';
import { hostOf } from './in-process.js';
import { entryAt } from './raw-session.js';

function remoteLog(calls: RaftLogCalls, environment: Environment): Promise<RaftLog> {
  return openRemoteLog({
    calls,
    environment,
    name: 'a',
    place: 'in-process/a',
    options: { neverCreate: false, checksOff: false, verifyAll: false },
    patienceMs: 20_000,
    takeOver: false,
    rules: DEFAULTS,
    signal: undefined,
    onClosed: () => undefined,
  });
}

test('what a server does not take any more since it ends, the next one is sent; its client hears of nothing', async () => {
  const root = scratchDirectory();
  const environment = nodeEnvironment();
  let host = hostOf(environment, root);
  const calls = new Proxy({} as RaftLogCalls, {
    get: (_, method: keyof RaftLogCalls) => host[method].bind(host),
  });
  const log = await remoteLog(calls, environment);
  await log.save({ hardState: { term: 1 }, entries: [entryAt(1)] });
  const saves: Promise<unknown>[] = [];
  const draining = host.drain();
  for (let index = 2; index <= 8; index += 1) {
    saves.push(log.append([entryAt(index)]));
    await setImmediate();
  }
  await draining;
  host = hostOf(environment, root);
  await Promise.all(saves);
  expect(log.lastIndex).toBe(8);
  await log.close();
  await host.drain();
});

test('behind a new session nothing is waited for as behind the silence before it', async () => {
  const root = scratchDirectory();
  const environment = nodeEnvironment();
  let host = hostOf(environment, root);
  let lost = 0;
  const losing = () => ({
    [Symbol.asyncIterator]: () => ({
      async next(): Promise<never> {
        lost -= 1;
        if (lost === 0) {
          await host.drain();
          host = hostOf(environment, root);
        }
        throw new ConnectionLost('the network was cut');
      },
    }),
  });
  const calls = new Proxy({} as RaftLogCalls, {
    get: (_, method: keyof RaftLogCalls) =>
      method === 'saveStream' && lost > 0 ? losing : host[method].bind(host),
  });
  const pauses: number[] = [];
  // Pauses take no time here; patience does.
  const log = await remoteLog(calls, {
    ...environment,
    setTimer: (ms, run) => {
      if (ms > 2000) return environment.setTimer(ms, run);
      pauses.push(ms);
      return environment.setTimer(0, run);
    },
  });
  await log.save({ hardState: { term: 1 }, entries: [entryAt(1)] });
  await host.drain();
  host = hostOf(environment, root);
  lost = 8;
  await log.append([entryAt(2)]);
  expect(Math.max(...pauses)).toBeGreaterThan(500);
  expect(pauses.at(-1)).toBeLessThanOrEqual(40);
  await log.close();
  await host.drain();
});
