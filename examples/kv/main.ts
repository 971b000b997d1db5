/**
 * One node of the replicated key-value store. README.md has the commands for three of them.
 */
import { openRaftLog } from '../../src/index.js';
import { EXIT, ExitError } from './exit.js';
import { loadEngine } from './host/load-engine.js';
import { KvNode } from './kv-node.js';
import { NODE_USAGE, readNodeOptions } from './node-options.js';
import { spokenWatcher } from './spoken-watcher.js';

let node: KvNode | null = null;

async function end(error: ExitError | null): Promise<void> {
  if (error !== null) {
    console.error(error.message);
    process.exitCode = error.exitCode;
  }
  // A log that cannot be closed leaves no clean mark, and is opened like after a crash.
  await node?.stop().catch((failure: unknown) => {
    console.error(String(failure));
  });
  process.exit();
}

async function main(): Promise<void> {
  const options = readNodeOptions(process.argv.slice(2));
  if (options === 'help') {
    console.log(NODE_USAGE);
    return;
  }
  const say = (line: string): void => {
    console.log(`${new Date().toISOString().slice(11, 23)} ${line}`);
  };
  node = new KvNode(
    options,
    spokenWatcher(say, (error) => void end(error)),
    openRaftLog,
    await loadEngine(options.engine),
  );
  process.once('SIGINT', () => void end(null)).once('SIGTERM', () => void end(null));
  await node.start();
  say('taking part');
}

main().catch(async (error: unknown) => {
  const isKnown = error instanceof ExitError;
  await end(
    isKnown
      ? error
      : new ExitError(EXIT.broken, error instanceof Error ? (error.stack ?? '') : String(error)),
  );
});
