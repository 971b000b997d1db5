import { createServer } from 'node:net';
import type { Random } from '../../../sim/index.js';

/**
 * Below the range from which the kernel takes ports for outgoing connections: while a node is dead, no client's
 * connection can come to sit on its port.
 */
const PORT_MIN = 15_000;
const PORT_MAX = 31_999;
const TRIES_MAX = 1000;

/** Ports on loopback that nobody listens on just now. */
export async function freePorts(count: number, random: Random): Promise<readonly number[]> {
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries += 1) {
    if (tries >= TRIES_MAX) throw new Error(`no ${count} free ports in ${PORT_MIN}..${PORT_MAX}`);
    const port = PORT_MIN + random.below(PORT_MAX - PORT_MIN + 1);
    if (!ports.includes(port) && (await isFree(port))) ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
