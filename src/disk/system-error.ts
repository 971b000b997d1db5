import { KeelsonError } from '../errors/index.js';

/** An error with a `code` in the manner of `node:fs`: what every failing call of the disk port throws. */
export interface SystemError extends Error {
  readonly code: string;
  /** The call that failed, `'write'` for example. */
  readonly syscall?: string;
  /** The path it was about, where there is one. */
  readonly path?: string;
}

/** Makes a {@link SystemError} for a failure that the disk layer finds by itself. */
export function systemError(
  code: string,
  message: string,
  about: { readonly syscall: string; readonly path: string; readonly cause?: unknown },
): SystemError {
  const error = new Error(
    `${code}: ${message}, ${about.syscall} '${about.path}'`,
    about.cause === undefined ? undefined : { cause: about.cause },
  );
  return Object.assign(error, { code, syscall: about.syscall, path: about.path });
}

/** The `code` of a failure of the disk port (`'ENOSPC'`, `'EIO'`, ..); undefined if the value carries none. */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  if (error instanceof KeelsonError) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
