import { credentials } from '@grpc/grpc-js';
import { KvServiceClient } from '../generated/keelson/examples/kv/v1/kv.js';
import { CHANNEL_OPTIONS } from '../net/channel-options.js';

/** One connection to each node, shared by any number of clients. */
export class Connections {
  readonly #clients = new Map<string, KvServiceClient>();

  to(address: string): KvServiceClient {
    let client = this.#clients.get(address);
    if (client === undefined) {
      client = new KvServiceClient(address, credentials.createInsecure(), CHANNEL_OPTIONS);
      this.#clients.set(address, client);
    }
    return client;
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }
}
