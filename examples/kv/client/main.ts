/**
 * `put`, `get`, `delete`, `scan` and `status` from a terminal. ../README.md shows them at work.
 */
import { parseArgs } from 'node:util';
import { EXIT, ExitError } from '../exit.js';
import { addressFault } from '../net/address.js';
import { Connections } from './connections.js';
import { KvClient } from './kv-client.js';

const USAGE = `usage: node dist/examples/kv/client/main.js --cluster NAME --node HOST:PORT [--node ...] COMMAND

  put KEY VALUE   write, and print the revision once a majority holds it
  get KEY         a linearizable read; exit code 1 if there is no such key
  delete KEY
  scan            what the first --node holds
  status          what each --node says of itself

  --timeout-ms N  how long to try, 1..2147483647 (default 10000)
  --help          this text

exit codes: 0 done, 1 no such key, 2 a flag is wrong, 3 no answer`;

const NO_SUCH_KEY = 1;
/** No timer waits longer. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;
const ARGUMENT_COUNTS: ReadonlyMap<string, number> = new Map([
  ['put', 2],
  ['get', 1],
  ['delete', 1],
  ['scan', 0],
  ['status', 0],
]);

interface Request {
  readonly command: string;
  readonly operands: readonly string[];
  readonly addresses: readonly string[];
  readonly clusterId: string;
  readonly giveUpMs: number;
}

function readRequest(): Request | 'help' {
  const { values, positionals } = parse();
  if (values.help === true) return 'help';
  const [command, ...operands] = positionals;
  if (command === undefined) throw wrong('the command is missing');
  const count = ARGUMENT_COUNTS.get(command);
  if (count === undefined) throw wrong(`'${command}' is not a command`);
  if (operands.length !== count) throw wrong(`${command} takes ${count} arguments, got ${operands.length}`);
  const addresses = values.node ?? [];
  if (addresses.length === 0) throw wrong('--node is missing');
  for (const address of addresses) {
    const fault = addressFault(address);
    if (fault !== null) throw wrong(`--node: ${fault}`);
  }
  const timeout = values['timeout-ms'] ?? '10000';
  const giveUpMs = Number(timeout);
  if (!/^\d+$/.test(timeout) || giveUpMs < 1 || giveUpMs > TIMEOUT_MS_MAX)
    throw wrong(`--timeout-ms is '${timeout}', expected a whole number in 1..${TIMEOUT_MS_MAX}`);
  if (values.cluster === undefined) throw wrong('--cluster is missing');
  return { command, operands, addresses, clusterId: values.cluster, giveUpMs };
}

function parse() {
  try {
    return parseArgs({
      strict: true,
      allowPositionals: true,
      options: {
        cluster: { type: 'string' },
        node: { type: 'string', multiple: true },
        'timeout-ms': { type: 'string' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error));
  }
}

function wrong(message: string): ExitError {
  return new ExitError(EXIT.usage, `${message}\n\n${USAGE}`);
}

async function run(client: KvClient, { command, operands, addresses }: Request): Promise<number> {
  const [key = '', text = ''] = operands;
  switch (command) {
    case 'put':
      console.log(`revision ${await client.write(key, Buffer.from(text))}`);
      return EXIT.done;
    case 'delete':
      console.log(`revision ${await client.write(key, null)}`);
      return EXIT.done;
    case 'get': {
      const found = await client.read(key);
      if (found === null) return NO_SUCH_KEY;
      console.log(Buffer.from(found.value).toString());
      return EXIT.done;
    }
    case 'scan':
      for (const pair of await client.scan(addresses[0] ?? '')) {
        console.log(`${pair.key} = ${Buffer.from(pair.value).toString()} (revision ${pair.revision})`);
      }
      return EXIT.done;
    default:
      for (const address of addresses) await tellStatus(client, address);
      return EXIT.done;
  }
}

async function tellStatus(client: KvClient, address: string): Promise<void> {
  try {
    const { memberId, role, term, leaderId, applied, storageState, keyCount, stateHash } =
      await client.status(address);
    console.log(
      `${address} ${memberId}: ${role} in term ${term}, leader ${leaderId ?? 'unknown'}, applied ${applied}, ` +
        `log ${storageState}, ${keyCount} keys, state ${stateHash.slice(0, 12)}`,
    );
  } catch (error) {
    console.log(`${address}: no answer (${error instanceof Error ? error.message : String(error)})`);
  }
}

const connections = new Connections();
try {
  const request = readRequest();
  if (request === 'help') console.log(USAGE);
  else process.exitCode = await run(new KvClient({ ...request, connections }), request);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof ExitError ? error.exitCode : EXIT.environment;
} finally {
  connections.close();
}
