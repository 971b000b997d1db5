import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { EXIT, UsageError, type ExitCode } from '../exit.js';
import type { Output } from '../output.js';
import { counted } from '../text.js';
import { textFlag } from '../flags.js';

const load = async () => ({
  ...(await import('../../grpc/conformance/try-case.js')),
  ...(await import('../../grpc/conformance/adapter-process.js')),
});
type Loaded = Awaited<ReturnType<typeof load>>;
type Case = Parameters<Loaded['tryCase']>[0];

/** `keelson conformance`: a client in any language, held against the cases that ours passes. */
export async function conformanceCommand(args: readonly string[], output: Output): Promise<ExitCode> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: { only: { type: 'string' } },
    allowPositionals: true,
  });
  const [command, ...own] = positionals;
  if (command === undefined) throw new UsageError('conformance needs an adapter: -- COMMAND [ARG..].');
  const only = textFlag(values, 'only') ?? '';
  const cases = casesOfPackage().filter(({ name }) => name.includes(only));
  const { tryCase, AdapterProcess } = await load();
  const counts = { passed: 0, unsupported: 0, failed: 0 };
  const server = new OwnServer();
  let adapter: InstanceType<Loaded['AdapterProcess']> | undefined;
  try {
    await server.start();
    for (const [at, one] of cases.entries()) {
      if (adapter?.hasFailed !== false) adapter = new AdapterProcess(command, own, server.address);
      const { name, outcome, why } = await tryCase(one, at + 1, adapter, server);
      counts[outcome] += 1;
      await output.line(`${outcome.padEnd(12)} ${name}${why === '' ? '' : `: ${why}`}`);
    }
  } finally {
    adapter?.end();
    await server.end();
  }
  const { passed, unsupported, failed } = counts;
  await output.line(
    `${counted(cases.length, 'case')}: ${passed} passed, ${unsupported} unsupported, ${failed} failed`,
  );
  return failed === 0 ? EXIT.sound : EXIT.damage;
}

/** They lie beside the .proto file, for runners in other languages too. */
function casesOfPackage(): readonly Case[] {
  const directory = fileURLToPath(
    new URL('src/grpc/conformance/cases/', import.meta.resolve('keelson/package.json')),
  );
  return readdirSync(directory)
    .sort()
    .flatMap((file) =>
      (JSON.parse(readFileSync(join(directory, file), 'utf8')) as Case[]).map((one) => ({
        ...one,
        name: `${basename(file, '.json')}: ${one.name}`,
      })),
    );
}

/** `keelson serve` as a process that can be killed and comes back on the same port. */
class OwnServer {
  readonly #root = mkdtempSync(join(tmpdir(), 'keelson-conformance-'));
  #child: ChildProcess | undefined;
  address = '127.0.0.1:0';

  async start(): Promise<void> {
    if (this.#child?.exitCode === null && this.#child.signalCode === null) return;
    const port = this.address.slice(this.address.indexOf(':') + 1);
    const program = process.argv[1] as string;
    const args = [program, 'serve', this.#root, '--port', port, '--segment-bytes', '65536'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#child = child;
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const said = String((await lines.next()).value);
    this.address = /127\.0\.0\.1:\d+$/u.exec(said)?.[0] ?? this.address;
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.#root, { recursive: true, force: true });
  }
}
