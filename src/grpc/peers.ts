import { KeelsonError } from '../errors/index.js';

/** What has to be installed beside keelson, as a command says it. */
const PEERS = '@grpc/grpc-js @bufbuild/protobuf grpc-health-check @grpc/reflection';

/** Loads what needs an optional peer; one that is not there is `KEELSON_INVALID_ARGUMENT`, which names it. */
export async function withPeers<T>(load: () => Promise<T>, peers: string = PEERS): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (!isMissing(error)) throw error;
    const message = `keelson/grpc needs packages that are not installed: ${error.message.split('\n')[0] ?? ''}. Run: npm install ${peers}`;
    throw new KeelsonError(
      'KEELSON_INVALID_ARGUMENT',
      message,
      { argument: 'peers', expected: peers },
      error,
    );
  }
}

function isMissing(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
}
