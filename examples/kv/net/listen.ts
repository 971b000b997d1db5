import { logVerbosity, Server, ServerCredentials, setLogVerbosity } from '@grpc/grpc-js';
import { EXIT, ExitError } from '../exit.js';
import { KvServiceService, type KvServiceServer } from '../generated/keelson/examples/kv/v1/kv.js';
import { PeerServiceService, type PeerServiceServer } from '../generated/keelson/examples/kv/v1/peer.js';
import { CHANNEL_OPTIONS } from './channel-options.js';

/** Serves other members and clients on one address. An {@link ExitError} if it cannot be listened on. */
export async function listen(
  address: string,
  peers: PeerServiceServer,
  clients: KvServiceServer,
): Promise<Server> {
  // What grpc-js would print, the errors below say to whom it concerns.
  setLogVerbosity(logVerbosity.NONE);
  const server = new Server(CHANNEL_OPTIONS);
  server.addService(PeerServiceService, peers);
  server.addService(KvServiceService, clients);
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error) => {
      if (error === null) {
        resolve();
        return;
      }
      const message = `cannot listen on ${address}: ${error.message}. Is another process using the port?`;
      reject(new ExitError(EXIT.environment, message, error));
    });
  });
  return server;
}
