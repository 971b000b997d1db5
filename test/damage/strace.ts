import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** How a traced program ended. */
export interface Traced {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A system call that fails from outside, at each thread's `nth` call of it that concerns one of the paths. */
export interface Injection {
  readonly call: string;
  readonly code: string;
  readonly nth: number;
  readonly paths: readonly string[];
}

/** Runs Node under strace; what strace has to say goes to `traceFile`. One thread does all calls of the background. */
export function runTraced(
  args: readonly string[],
  traceFile: string,
  options: readonly string[],
): Promise<Traced> {
  const strace = ['-f', '-qq', '-o', traceFile, ...options, process.execPath, ...args];
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' };
  return new Promise((resolve) => {
    execFile('strace', strace, { env, encoding: 'utf8', timeout: 600_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({
        code,
        stdout,
        stderr: error !== null && code === -1 ? `${error.message}\n${stderr}` : stderr,
      });
    });
  });
}

/** The options that make a call fail. */
export function injecting({ call, code, nth, paths }: Injection): readonly string[] {
  const only = paths.flatMap((path) => ['-P', path]);
  return ['--seccomp-bpf', ...only, '-e', `trace=${call}`, '-e', `inject=${call}:error=${code}:when=${nth}`];
}

/** What a trace with `-y` shows of the calls below a directory: its paths, and how often each call is made of them. */
export function callsBelow(
  dir: string,
  traceFile: string,
): { readonly paths: readonly string[]; readonly counts: ReadonlyMap<string, number> } {
  const paths = new Set<string>([dir]);
  const counts = new Map<string, number>();
  for (const line of readFileSync(traceFile, 'utf8').split('\n')) {
    const call = /^\d+ +([a-z0-9_]+)\(/.exec(line)?.[1];
    const found = [...line.matchAll(/["<]([^">]*)[">]/g)].map((match) => match[1] ?? '');
    const own = found.filter((path) => path === dir || path.startsWith(`${dir}/`));
    if (call === undefined || own.length === 0) continue;
    for (const path of own) paths.add(path);
    counts.set(call, (counts.get(call) ?? 0) + 1);
  }
  return { paths: [...paths], counts };
}
