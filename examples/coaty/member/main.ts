/** One member: `node main.js --id n1 --dir DIR --broker URL --port N [--create]`. It takes steps, and shows its state. */
import { subscribe } from 'node:diagnostics_channel';
import { createServer, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { KeelsonPersistency } from '../keelson-persistency.js';
import { moduleOf, type RaftPersistency } from '../library.js';
import { Counter, type Step } from './counter.js';

/** Of the library and the framework it stands on, what a member needs. */
interface RaftController {
  connect(): Promise<void>;
  /** Resolves to the state behind the input, once it is committed and applied here. */
  propose(input: unknown): Promise<ReturnType<Counter['getState']>>;
  getClusterConfiguration(): Promise<readonly string[]>;
  stop(): Promise<void>;
}
interface Coaty {
  readonly RaftController: new (...args: readonly unknown[]) => RaftController;
}
interface CoatyCore {
  readonly Container: {
    resolve(
      components: object,
      configuration: object,
    ): { getController(name: string): RaftController; shutdown(): void };
  };
}

const { values } = parseArgs({
  options: {
    id: { type: 'string', default: 'n1' },
    dir: { type: 'string', default: '' },
    broker: { type: 'string', default: '' },
    port: { type: 'string', default: '0' },
    create: { type: 'boolean', default: false },
  },
});
const coaty = moduleOf('@coaty/consensus.raft') as Coaty;
const { Container } = moduleOf('@coaty/core') as CoatyCore;

/** The library's, on a log of Keelson. It asks for the store when it connects. */
class KeelsonRaftController extends coaty.RaftController {
  getRaftPersistencyImplementation(): RaftPersistency {
    return new KeelsonPersistency({ dir: values.dir, segmentBytes: 262_144 });
  }
}

// A store that fails is nothing the library looks at: its promise rejects unheard, and Node ends the process for it, which
// is what must happen. A supervisor starts it again, and it begins anew from what is on the disk.
subscribe('keelson:snapshot', (message) => {
  const { told } = message as { told: { readonly installed: boolean } };
  console.log(told.installed ? 'snapshot installed' : 'snapshot taken');
});

/** The library's start hangs now and then, with any store. Then this ends, and a supervisor starts it again. */
const CONNECTING_MS = 30_000;

const counter = new Counter();
const container = Container.resolve(
  { controllers: { KeelsonRaftController } },
  {
    communication: { brokerUrl: values.broker, shouldAutoStart: true },
    controllers: {
      KeelsonRaftController: {
        id: values.id,
        stateMachine: counter,
        shouldCreateCluster: values.create,
        // Small, so that a minute sees snapshots, compaction, and a member that has fallen behind both.
        configuration: {
          tickTime: 30,
          defaultSnapCount: 30,
          snapshotCatchUpEntriesN: 10,
          snapshotReceiveTimeout: 2000,
          joinRequestRetryInterval: 500,
        },
      },
    },
  },
);
const controller = container.getController('KeelsonRaftController');
const patience = setTimeout(() => process.exit(1), CONNECTING_MS);
await controller.connect();
clearTimeout(patience);
const server = createServer((request, response) => {
  answerTo(request).then(
    (body) => response.end(body),
    (error: unknown) => response.writeHead(503).end(String(error)),
  );
});
server.listen(Number(values.port), '127.0.0.1');
process.once('SIGTERM', () => void end());

async function answerTo(request: IncomingMessage): Promise<string> {
  if (request.url === '/state') return JSON.stringify(counter.getState());
  if (request.url === '/members') return JSON.stringify(await controller.getClusterConfiguration());
  const step = (await json(request)) as Step;
  const { clients } = await controller.propose(step);
  return String(clients[step.client]);
}

async function end(): Promise<void> {
  server.close();
  server.closeAllConnections();
  await controller.stop();
  container.shutdown();
}
