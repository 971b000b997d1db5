import { spawnSync } from 'node:child_process';

/** A command of the system that did not do what it was asked. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError';
}

/** None of these takes a second; one that hangs must not hang the lab. */
const TIMEOUT_MS = 60_000;

/** Runs a command of the system to its end and returns what it printed. Throws {@link CommandError}. */
export function command(program: string, ...args: readonly string[]): string {
  const { status, signal, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  if (status === 0) return stdout.trim();
  const why = error?.message ?? signal ?? stderr.trim();
  throw new CommandError(`${[program, ...args].join(' ')}: ${why}`);
}
