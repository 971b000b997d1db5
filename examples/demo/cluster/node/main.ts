/**
 * A node of the demonstration: the node of examples/kv, which tells what it does in lines of JSON and ends when whoever
 * started it is gone.
 */
import { openRaftLog } from '../../../../src/index.js';
import { EXIT, ExitError } from '../../../kv/exit.js';
import { loadEngine } from '../../../kv/host/load-engine.js';
import { KvNode, type OpenLog } from '../../../kv/kv-node.js';
import type { Announcement } from '../announcement.js';
import type { NodeOrders } from '../node-orders.js';
import { announcingWatcher } from './announcing-watcher.js';
import { lyingLog } from './lying-log.js';

const { options, sabotage } = JSON.parse(process.argv[2] ?? '') as NodeOrders;
let node: KvNode | null = null;

// To a pipe this writes before it returns: a kill takes nothing back that was announced.
function announce(announcement: Announcement): void {
  process.stdout.write(`${JSON.stringify(announcement)}\n`);
}

async function end(error: ExitError | null): Promise<void> {
  if (error !== null) announce({ kind: 'ending', exitCode: error.exitCode, text: error.message });
  await node?.stop().catch(() => undefined);
  process.exit(error?.exitCode ?? EXIT.done);
}

const openLog: OpenLog = async (logOptions) => {
  const log = await openRaftLog(logOptions);
  return sabotage === 'none' ? log : lyingLog(log, sabotage);
};

process.once('SIGTERM', () => void end(null));
// Ctrl-C and a terminal that closes reach the whole group; the demonstration ends its nodes itself.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.stdin.on('end', () => process.exit(EXIT.done)).resume();

try {
  node = new KvNode(
    options,
    announcingWatcher(announce, (error) => void end(error)),
    openLog,
    await loadEngine(options.engine),
  );
  await node.start();
  announce({ kind: 'taking-part' });
} catch (error) {
  await end(error instanceof ExitError ? error : new ExitError(EXIT.broken, String(error)));
}
