import type { Environment } from '../../disk/environment.js';
import { isKeelsonError, KeelsonError, orAborted, throwIfAborted } from '../../errors/index.js';
import { ConnectionLost } from '../calls.js';

/** Pauses between attempts: twice as long each time, up to the second number, and a random half of each. */
const PAUSE_MS = 20;
const PAUSE_MS_MAX = 2000;

/** Waits as long as the attempt of that number, from 0, should. */
export async function pause(environment: Environment, attempt: number, signal?: AbortSignal): Promise<void> {
  const random = new Uint8Array(1);
  environment.fillRandom(random);
  const share = 0.5 + (random[0] as number) / 512;
  const ms = Math.min(PAUSE_MS_MAX, PAUSE_MS * 2 ** Math.min(attempt, 16)) * share;
  const passed = new Promise<void>((resolve) => {
    environment.setTimer(ms, resolve);
  });
  await orAborted('the pause', signal, passed);
}

/**
 * Makes a call that may be made any number of times, again and again while the connection is lost, for as long as
 * `patienceMs`. Then `KEELSON_READ_FAILED`; other errors at once, as they come.
 */
export async function again<T>(
  { environment, patienceMs }: { readonly environment: Environment; readonly patienceMs: number },
  what: string,
  signal: AbortSignal | undefined,
  call: () => Promise<T>,
): Promise<T> {
  const until = environment.now() + patienceMs;
  for (let attempt = 0; ; attempt += 1) {
    throwIfAborted(what, signal);
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ConnectionLost) && !isUnknownSession(error)) throw error;
      if (environment.now() >= until) throw unreachable(what, patienceMs, error);
      await pause(environment, attempt, signal);
    }
  }
}

/** True for a call that the server never carried out, since this session is not one of its. */
export function isUnknownSession(error: unknown): boolean {
  return isAbout(error, 'session') && !isKeelsonError(error, 'KEELSON_ABORTED');
}

/** True for an error that names that argument. */
export function isAbout(error: unknown, argument: string): error is KeelsonError {
  return isKeelsonError(error) && error.details.argument === argument;
}

function unreachable(what: string, ms: number, cause: unknown): KeelsonError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new KeelsonError(
    'KEELSON_READ_FAILED',
    `${what} found no server for ${Math.round(ms)} ms: ${why}. Nothing was changed. Try again when it is there.`,
    {},
    cause,
  );
}
