import { parseArgs } from 'node:util';
import { given } from '../../errors/arguments.js';
import { EXIT, UsageError, type ExitCode } from '../exit.js';
import type { Output } from '../output.js';
import { numberFlag, textFlag, type FlagValues } from '../flags.js';

const PORT = 7500;
const GRACE_MS = 10_000;
const TEXT = { type: 'string' } as const;
const FLAGS = {
  checkpoints: TEXT,
  host: TEXT,
  port: TEXT,
  'tls-cert': TEXT,
  'tls-key': TEXT,
  'client-ca': TEXT,
  'token-file': TEXT,
  'metrics-port': TEXT,
  'segment-bytes': TEXT,
  'grace-ms': TEXT,
} as const;

/** `keelson serve`: until it is told to end. */
export async function serveCommand(args: readonly string[], output: Output): Promise<ExitCode> {
  const { values, positionals } = parseArgs({ args: [...args], options: FLAGS, allowPositionals: true });
  const [root, ...rest] = positionals;
  if (root === undefined || root === '') throw new UsageError('serve needs the directory of the logs.');
  if (rest.length > 0) throw new UsageError(`'${rest.join(' ')}' is more than serve takes.`);
  const ending = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) output.host.once(signal, () => resolve(signal));
  });
  const { serveRaftLogs } = await import('../../grpc/index.js');
  const metricsPort = numberFlag(values, 'metrics-port');
  const metrics =
    metricsPort === undefined ? null : await (await import('../../grpc/net/metrics.js')).serverMetrics();
  const log = given({ segmentBytes: numberFlag(values, 'segment-bytes') });
  const server = await serveRaftLogs({
    root,
    port: numberFlag(values, 'port') ?? PORT,
    ...given({
      checkpoints: textFlag(values, 'checkpoints'),
      host: textFlag(values, 'host'),
      tls: tlsOf(values),
      tokenFile: textFlag(values, 'token-file'),
      onCall: metrics?.onCall,
      onSync: metrics?.onSync,
    }),
    log,
  });
  const pages = await metrics?.serve(server, server.host, metricsPort ?? 0);
  await output.line(`serving ${root} on ${server.host}:${server.port}`);
  if (pages !== undefined) await output.line(`metrics on http://${server.host}:${pages.port}/metrics`);
  output.say(`keelson: ${await ending}; ending.`);
  pages?.close();
  await server.close(numberFlag(values, 'grace-ms') ?? GRACE_MS);
  return EXIT.sound;
}

function tlsOf(values: FlagValues): { certFile: string; keyFile: string; clientCaFile?: string } | undefined {
  const certFile = textFlag(values, 'tls-cert');
  const keyFile = textFlag(values, 'tls-key');
  const clientCaFile = textFlag(values, 'client-ca');
  if (certFile !== undefined && keyFile !== undefined)
    return { certFile, keyFile, ...given({ clientCaFile }) };
  if (certFile === undefined && keyFile === undefined && clientCaFile === undefined) return undefined;
  throw new UsageError('--tls-cert and --tls-key come together, and --client-ca with them.');
}
