// Runs behind tracing.mjs: a server and its client, one call of each shape, one of them refused.
const [entry, root] = process.argv.slice(2);
const { connectRaftLog, serveRaftLogs } = await import(entry);
const server = await serveRaftLogs({ root });
const address = `127.0.0.1:${server.port}`;
const log = await connectRaftLog(address, { name: 'a' });
await log.setHardState({ term: 1 });
await log.append([{ index: 1, term: 1, data: new Uint8Array(10) }]);
await log.entries(1, 2);
await log.createSnapshot({ index: 1, conf: new Uint8Array(1), data: new Uint8Array(10) });
await connectRaftLog(address, { name: 'missing', create: 'never' }).catch(() => undefined);
await log.close();
await server.close();
