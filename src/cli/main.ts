#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isKeelsonError } from '../errors/index.js';
import { dumpCommand } from './dump-command.js';
import { EXIT, exitCodeOf, UsageError, type ExitCode } from './exit.js';
import { inspectCommand } from './inspect-command.js';
import { readCommandLine, USAGE, type CliOptions } from './options.js';
import { processOutput, SCHEMA_VERSION, type Output } from './output.js';
import { repairCommand } from './repair-command.js';
import { verifyCommand } from './verify-command.js';

const COMMANDS: Readonly<
  Record<CliOptions['command'], (options: CliOptions, output: Output) => Promise<ExitCode>>
> = { inspect: inspectCommand, verify: verifyCommand, dump: dumpCommand, repair: repairCommand };

async function main(args: readonly string[]): Promise<ExitCode> {
  let options: CliOptions | 'help' | 'version';
  try {
    options = readCommandLine(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`keelson: ${error.message}\n\n${USAGE}\n`);
    return EXIT.usage;
  }
  if (options === 'help' || options === 'version') {
    const output = processOutput(true, true);
    await output.line(options === 'help' ? USAGE : version());
    return EXIT.sound;
  }
  const output = processOutput(options.quiet, options.command === 'dump');
  process.once('SIGINT', () => {
    const changes = options.command === 'repair' && options.apply;
    const what = changes ? 'run the same command again to complete it' : 'nothing was changed';
    output.say(`keelson: interrupted; ${what}.`);
    process.exit(EXIT.interrupted);
  });
  try {
    return await COMMANDS[options.command](options, output);
  } catch (error) {
    return await tell(error, options, output);
  }
}

/** An error as the person, or with `--json` the script, is told it. */
async function tell(error: unknown, options: CliOptions, output: Output): Promise<ExitCode> {
  const exitCode = exitCodeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  const code = isKeelsonError(error) ? error.code : 'INTERNAL';
  if (options.json) {
    const details = isKeelsonError(error) ? error.details : {};
    const { command, dir } = options;
    await output.json({
      schemaVersion: SCHEMA_VERSION,
      command,
      dir,
      error: { code, message, ...details, recovery: undefined },
    });
  }
  output.say(`keelson: ${code}: ${message}`);
  if (code === 'INTERNAL' && error instanceof Error) output.say(error.stack ?? '');
  return exitCode;
}

function version(): string {
  const path = fileURLToPath(import.meta.resolve('keelson/package.json'));
  return (JSON.parse(readFileSync(path, 'utf8')) as { readonly version: string }).version;
}

process.exitCode = await main(process.argv.slice(2));
