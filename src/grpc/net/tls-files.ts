import { readFileSync } from 'node:fs';
import { ChannelCredentials, experimental, type ServerCredentials } from '@grpc/grpc-js';
import { KeelsonError } from '../../errors/index.js';

/** A changed certificate is used at most so late, by the connections that come then. */
const LOOK_MS = 1000;

/** The files of a server: PEM. */
export interface TlsFiles {
  /** Its certificate, and those between it and the authority. */
  readonly certFile: string;
  /** The key of it. */
  readonly keyFile: string;
  /** Of the authority whose clients are let in; left out: any client, so use tokens. */
  readonly clientCaFile?: string;
}

/** The files of a client: PEM. */
export interface ClientTlsFiles {
  /** Of the authority that the server's certificate is of. Left out: those that Node trusts. */
  readonly caFile?: string;
  /** The client's own certificate, where the server asks for one. */
  readonly certFile?: string;
  /** The key of it. */
  readonly keyFile?: string;
}

/** Credentials of a server that follow their files. */
export function watchedCredentials({ certFile, keyFile, clientCaFile }: TlsFiles): ServerCredentials {
  for (const file of [certFile, keyFile, clientCaFile]) if (file !== undefined) readGiven(file);
  const provider = new experimental.FileWatcherCertificateProvider({
    certificateFile: certFile,
    privateKeyFile: keyFile,
    // Who is not asked for a certificate may have one of any authority.
    caCertificateFile: clientCaFile ?? certFile,
    refreshIntervalMs: LOOK_MS,
  });
  // One object in both places: what the parameters are called, and which is which, is not the same in grpc-js.
  return experimental.createCertificateProviderServerCredentials(
    provider,
    provider,
    clientCaFile !== undefined,
  );
}

/** Credentials of a client, as its files are now. */
export function clientCredentials({ caFile, certFile, keyFile }: ClientTlsFiles): ChannelCredentials {
  const read = (file: string | undefined): Buffer | null => (file === undefined ? null : readGiven(file));
  return ChannelCredentials.createSsl(read(caFile), read(keyFile), read(certFile));
}

/** A file that was named by who serves or connects. */
export function readGiven(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new KeelsonError('KEELSON_READ_FAILED', `${path} cannot be read: ${why}.`, { path }, error);
  }
}
