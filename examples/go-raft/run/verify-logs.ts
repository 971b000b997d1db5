import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const KEELSON = resolve(import.meta.dirname, '../../../src/cli/main.js');

/** What `keelson verify` has against the logs of members. */
export function verifyLogs(
  members: readonly string[],
  directoryOf: (id: string) => string,
): readonly string[] {
  return members.flatMap((id) => {
    const command = [KEELSON, 'verify', directoryOf(id)];
    const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
    return status === 0 ? [] : [`the log of ${id} is not sound:\n${stdout}${stderr}`];
  });
}
