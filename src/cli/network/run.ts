import { isKeelsonError } from '../../errors/index.js';
import { EXIT, exitCodeOf, UsageError, type ExitCode } from '../exit.js';
import { type Output, SCHEMA_VERSION } from '../output.js';
import { conformanceCommand } from './conformance-command.js';
import type { NetworkCommand } from './names.js';
import { NETWORK_HELP } from './network-help.js';
import { remoteCommand } from './remote-command.js';
import { serveCommand } from './serve-command.js';

const COMMANDS = { serve: serveCommand, remote: remoteCommand, conformance: conformanceCommand } as const;

/** Runs such a command, and tells its errors as the other commands do. */
export async function runNetworkCommand(
  command: NetworkCommand,
  args: readonly string[],
  output: Output,
): Promise<ExitCode> {
  const own = args.slice(0, args.includes('--') ? args.indexOf('--') : args.length);
  if (args[0] === 'help' || own.includes('--help') || own.includes('-h')) {
    await output.line(NETWORK_HELP[command]);
    return EXIT.sound;
  }
  try {
    return await COMMANDS[command](args.slice(1), output);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const code = isKeelsonError(error) ? error.code : isUsage(error) ? 'USAGE' : 'INTERNAL';
    // As of the local one: its reader shall see that it ended early.
    const isDump = args[1] === 'dump';
    const answer = { schemaVersion: SCHEMA_VERSION, command, error: { code, message } };
    if (isDump) await output.json({ type: 'error', ...answer }, true);
    else if (args.includes('--json')) await output.json(answer);
    output.say(code === 'USAGE' ? `keelson: ${message}` : `keelson: ${code}: ${message}`);
    if (code === 'USAGE') output.say(`More: keelson ${command} --help`);
    return isUsage(error) ? EXIT.usage : exitCodeOf(error);
  }
}

/** Ours, or that of Node's own reading of the command line. */
function isUsage(error: unknown): boolean {
  if (error instanceof UsageError) return true;
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}
