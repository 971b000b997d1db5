import { createHash, timingSafeEqual } from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';
import { KeelsonError } from '../../errors/index.js';
import { readGiven } from './tls-files.js';

/** A changed file is seen at most so late. */
const LOOK_MS = 1000;
/** Shorter ones are guessed. */
const TOKEN_BYTES_MIN = 16;

/** Lets a call through that carries one of the tokens of a file; every call, if there is no file. */
export function tokenGuard(file: string | undefined): (metadata: Metadata) => void {
  if (file === undefined) return () => undefined;
  const tokens = new TokenFile(file);
  return (metadata) => {
    const [given] = metadata.get('authorization');
    const bearer = /^bearer (.+)$/iu.exec(String(given ?? ''))?.[1];
    if (bearer === undefined || !tokens.has(bearer)) throw notAllowed();
  };
}

/** The token of a client, from a file that holds it alone; read again when it changes. */
export function tokenOf(file: string): () => string {
  const tokens = new TokenFile(file);
  return () => tokens.first;
}

/** Lines of a file, kept as hashes of one length, so that how long a comparison takes tells nothing. */
class TokenFile {
  readonly #path: string;
  #hashes: Buffer[] = [];
  #first = '';
  #lookedMs = -Infinity;

  constructor(path: string) {
    this.#path = path;
    this.#read();
  }

  get first(): string {
    this.#look();
    return this.#first;
  }

  has(token: string): boolean {
    this.#look();
    const hash = hashOf(token);
    let isThere = false;
    for (const one of this.#hashes) if (timingSafeEqual(one, hash)) isThere = true;
    return isThere;
  }

  #look(): void {
    if (performance.now() < this.#lookedMs + LOOK_MS) return;
    try {
      this.#read();
    } catch {
      // While it is being replaced, the tokens of before hold.
    }
  }

  #read(): void {
    this.#lookedMs = performance.now();
    const lines = readGiven(this.#path).toString().split('\n');
    const tokens = lines.map((line) => line.trim()).filter((line) => line !== '');
    if (tokens.length === 0 || tokens.some((token) => token.length < TOKEN_BYTES_MIN))
      throw tooShort(this.#path);
    this.#hashes = tokens.map(hashOf);
    this.#first = tokens[0] as string;
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function notAllowed(): KeelsonError {
  return new KeelsonError(
    'KEELSON_INVALID_ARGUMENT',
    'the call carries no token that this server knows; nothing was changed. Send one as `authorization: Bearer`.',
    { argument: 'token', fate: 'not-persisted' },
  );
}

function tooShort(path: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_INVALID_ARGUMENT',
    `${path} has no token, or one of fewer than ${TOKEN_BYTES_MIN} characters, which could be guessed. Write one a line.`,
    { argument: 'tokenFile', path, expected: TOKEN_BYTES_MIN },
  );
}
