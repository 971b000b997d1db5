import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Counter, Gauge, Histogram } from 'prom-client';
import { KeelsonError } from '../../errors/index.js';
import { DURATION_BUCKETS, METRICS } from '../metrics-table.js';
import { withPeers } from '../peers.js';
import type { RaftLogServer } from './serve-raft-logs.js';

/** What a server tells of itself, as text for Prometheus. */
export interface ServerMetrics {
  /** A call has ended. */
  readonly onCall: (method: string, code: string, ms: number) => void;
  /** A group of a log is on stable storage. */
  readonly onSync: (log: string, ms: number) => void;
  /** Serves the text on a port of that host; resolves to what ends it. */
  readonly serve: (
    server: RaftLogServer,
    host: string,
    port: number,
  ) => Promise<{ readonly port: number; close(): void }>;
}

/** Metrics by the table, in a registry of their own. */
export async function serverMetrics(): Promise<ServerMetrics> {
  const prometheus = await withPeers(() => import('prom-client'), 'prom-client');
  const registry = new prometheus.Registry();
  const histograms = new Map<string, Histogram>();
  const others: { readonly name: string; readonly metric: Gauge | Counter }[] = [];
  for (const { name, kind, labels, help } of METRICS) {
    const about = { name, help, labelNames: [...labels], registers: [registry] };
    if (kind === 'histogram')
      histograms.set(name, new prometheus.Histogram({ ...about, buckets: [...DURATION_BUCKETS] }));
    else
      others.push({
        name,
        metric: kind === 'gauge' ? new prometheus.Gauge(about) : new prometheus.Counter(about),
      });
  }
  const collect = ({ connections, sessions }: RaftLogServer): void => {
    for (const { name, metric } of others) {
      metric.reset();
      const ofStats = METRICS.find((one) => one.name === name)?.ofStats;
      if (ofStats === undefined)
        metric.inc({}, name === 'keelson_connections' ? connections : sessions.length);
      else for (const { log, stats } of sessions) metric.inc({ log }, stats[ofStats]);
    }
  };
  return {
    onCall: (method, code, ms) =>
      histograms.get('keelson_call_seconds')?.observe({ method, code }, ms / 1000),
    onSync: (log, ms) => histograms.get('keelson_sync_seconds')?.observe({ log }, ms / 1000),
    serve: async (server, host, port) => {
      const pages = createServer((request, response) => {
        if (request.url !== '/metrics' || request.method !== 'GET') {
          response.writeHead(404).end();
          return;
        }
        collect(server);
        registry.metrics().then(
          (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
          () => response.writeHead(500).end(),
        );
      });
      await listening(pages, host, port);
      return {
        port: (pages.address() as AddressInfo).port,
        close: () => {
          pages.close();
          pages.closeAllConnections();
        },
      };
    },
  };
}

function listening(pages: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    pages.once('error', (error) => {
      const message = `metrics cannot be served on ${host}:${port}: ${error.message}. Is another process using the port?`;
      reject(new KeelsonError('KEELSON_READ_FAILED', message, { argument: 'metricsPort' }, error));
    });
    pages.listen(port, host, resolve);
  });
}
