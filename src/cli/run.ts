import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isKeelsonError } from '../errors/index.js';
import { backupCommand } from './backup-command.js';
import { checkpointCommand, cloneCommand } from './copy-commands.js';
import { dumpCommand } from './dump-command.js';
import { EXIT, exitCodeOf, UsageError, type ExitCode } from './exit.js';
import { helpOf, usageOf, type Command } from './help.js';
import { importCommand } from './import-command.js';
import { networkCommandOf } from './network/names.js';
import { runNetworkCommand } from './network/run.js';
import { inspectCommand } from './inspect-command.js';
import { readCommandLine, type CliOptions, type HelpWanted } from './options.js';
import { type Host, outputTo, SCHEMA_VERSION, type Output } from './output.js';
import { repairCommand } from './repair-command.js';
import { restoreCommand } from './restore-command.js';
import { unfitCommand } from './unfit-command.js';
import { verifyCommand } from './verify-command.js';

const COMMANDS: Readonly<Record<Command, (options: CliOptions, output: Output) => Promise<ExitCode>>> = {
  inspect: inspectCommand,
  verify: verifyCommand,
  dump: dumpCommand,
  repair: repairCommand,
  unfit: unfitCommand,
  checkpoint: checkpointCommand,
  clone: cloneCommand,
  backup: backupCommand,
  restore: restoreCommand,
  import: importCommand,
};

/** Follows a command line as a process that was started with it would; resolves to the exit code. */
export async function run(args: readonly string[], host: Host): Promise<ExitCode> {
  const network = networkCommandOf(args);
  if (network !== null) return runNetworkCommand(network, args, outputTo(host, true, false));
  let options: CliOptions | HelpWanted;
  try {
    options = readCommandLine(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return refuse(error, args.includes('--json'), outputTo(host, true, false));
  }
  if ('wanted' in options) {
    const { wanted, command } = options;
    await outputTo(host, true, true).line(wanted === 'help' ? helpOf(command) : version());
    return EXIT.sound;
  }
  const { command, apply } = options;
  const output = outputTo(host, options.quiet, command === 'dump');
  host.once('SIGINT', () => {
    const what = apply ? 'run the same command again to complete it' : 'nothing was changed';
    output.say(`keelson: interrupted; ${what}.`);
    host.exit(EXIT.interrupted);
  });
  try {
    return await COMMANDS[command](options, output);
  } catch (error) {
    // Some of what a command line asks for can only be judged by what is there.
    return await (error instanceof UsageError
      ? refuse(error, options.json, output)
      : tell(error, options, output));
  }
}

/** A command line that cannot be followed: why, and the one line that can be. */
async function refuse({ message, command }: UsageError, json: boolean, output: Output): Promise<ExitCode> {
  if (json) await output.json(errorAnswer(command, { code: 'USAGE', message }), command === 'dump');
  output.say(`keelson: ${message}`);
  output.say(usageOf(command));
  output.say(`More: keelson ${command === null ? '' : `${command} `}--help`);
  return EXIT.usage;
}

/** An error as the person, or with `--json` the script, is told it. */
async function tell(error: unknown, options: CliOptions, output: Output): Promise<ExitCode> {
  const { command, dir } = options;
  const message = error instanceof Error ? error.message : String(error);
  const code = isKeelsonError(error) ? error.code : 'INTERNAL';
  // dump prints JSON lines with or without --json, and its reader shall see that it ended early.
  if (options.json || command === 'dump') {
    const details = isKeelsonError(error) ? error.details : {};
    const answer = errorAnswer(command, { code, message, ...details, recovery: undefined });
    await output.json({ ...answer, dir }, command === 'dump');
  }
  output.say(`keelson: ${code}: ${message}`);
  if (code === 'INTERNAL' && error instanceof Error) output.say(error.stack ?? '');
  return exitCodeOf(error);
}

function errorAnswer(command: Command | null, error: object): Readonly<Record<string, unknown>> {
  const line = command === 'dump' ? { type: 'error' } : {};
  return { ...line, schemaVersion: SCHEMA_VERSION, command, error };
}

function version(): string {
  const path = fileURLToPath(import.meta.resolve('keelson/package.json'));
  return (JSON.parse(readFileSync(path, 'utf8')) as { readonly version: string }).version;
}
