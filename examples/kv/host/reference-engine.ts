import {
  type Configuration,
  decodeConfiguration,
  encodeConfiguration,
  NO_CONFIGURATION,
  Raft,
  RaftDriver,
  storageOf,
} from '../../../sim/raft/index.js';
import type { Engine, EngineParts } from './engine.js';

/** The reference Raft of `keelson/sim`, and its driver. */
export function referenceEngine(parts: EngineParts): Engine {
  const { id, log, host, appliedIndex, recentBytes } = parts;
  const raft = new Raft({
    id,
    storage: storageOf(log),
    random: Math.random,
    configuration: configurationOf(parts),
    appliedIndex,
    recentBytesMax: recentBytes,
  });
  const driver = new RaftDriver({ raft, log, host, schedule: setImmediate });
  /** What the Raft was asked outside of the driver is carried out in the driver's next round. */
  const asked = <T>(answer: T): T => {
    driver.feed(() => undefined);
    return answer;
  };
  return {
    get isRunning() {
      return driver.isRunning;
    },
    get status() {
      return raft.status;
    },
    conf: () => encodeConfiguration(raft.status.configuration),
    step: (message) => {
      if (message.type !== 'foreign') driver.feed(() => raft.step(message));
    },
    tick: () => {
      driver.feed(() => raft.tick());
    },
    unreachable: (peer) => {
      driver.feed(() => raft.reportUnreachable(peer));
    },
    propose: (command) => asked(raft.propose(command)),
    readIndex: (context) => asked(raft.readIndex(context)),
    change: (changes) => {
      // It knows no joint changes: of several it makes the first.
      for (const change of changes.slice(0, 1)) asked(raft.proposeConfChange(change));
    },
    stop: () => driver.stop(),
  };
}

/** A log that names no configuration is that of a founder; a node that joins learns it from the log. */
function configurationOf({ conf, founders }: EngineParts): Configuration {
  if (conf !== null) return decodeConfiguration(conf);
  return founders.length === 0 ? NO_CONFIGURATION : { voters: [...founders].sort(), learners: [] };
}
