import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** What a program printed, and how it ended. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a program of this process refuses, and says of it; its folders would lie in `temporary`. */
export async function refusedBy(
  program: (args: readonly string[]) => Promise<number>,
  args: readonly string[],
  temporary: string,
): Promise<Omit<Ran, 'stdout'>> {
  const said = vi.spyOn(console, 'error').mockReturnValue(undefined);
  vi.stubEnv('TMPDIR', temporary);
  try {
    const code = await program(args);
    return { code, stderr: said.mock.calls.join('\n') };
  } finally {
    vi.unstubAllEnvs();
    said.mockRestore();
  }
}

/** Runs a built program of this repository to its end. */
export async function runBuilt(
  path: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly temporary?: string } = {},
): Promise<Ran> {
  const program = join(root, 'dist', path);
  if (!existsSync(program)) throw new Error(`${program} is not there. Run: npm run build`);
  const env = { ...process.env, ...(options.temporary === undefined ? {} : { TMPDIR: options.temporary }) };
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, ...args],
      { cwd: options.cwd, env, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : Number(error.code ?? -1);
        resolve({ code, stdout, stderr });
      },
    );
  });
}
