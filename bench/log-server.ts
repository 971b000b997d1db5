/**
 * A server of logs in a process of its own, for the cases of the network, and beside it a bare echo of grpc-js.
 * A line in, a line out: `ports` for where they listen, `memory` for what the process holds, in bytes.
 */
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js';
import { serveRaftLogs } from '../src/grpc/index.js';

const bytes = (given: Buffer): Buffer => given;
const echo = new Server({ 'grpc.enable_channelz': 0 });
echo.addService(
  {
    echo: {
      path: '/bench.Echo/Echo',
      requestStream: true,
      responseStream: true,
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    },
  },
  {
    echo: (call: ServerDuplexStream<Buffer, Buffer>) => {
      call.on('data', (message: Buffer) => call.write(message)).on('end', () => call.end());
    },
  },
);
const echoPort = await new Promise<number>((resolve, reject) => {
  echo.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
    if (error === null) resolve(port);
    else reject(error);
  });
});
const server = await serveRaftLogs({
  root: process.argv[2] ?? '.',
  limits: { connectionsMax: 4096, silentMs: 600_000 },
});
for await (const line of createInterface({ input: process.stdin })) {
  // The second finds done what the first leaves to other threads: to give back the pages that became free.
  global.gc?.();
  await setImmediate();
  global.gc?.();
  console.log(line === 'ports' ? `${server.port} ${echoPort}` : process.memoryUsage().rss);
}
echo.forceShutdown();
await server.close(0);
