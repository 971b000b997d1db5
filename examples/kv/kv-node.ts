import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Server } from '@grpc/grpc-js';
import { cloneRaftLog, isKeelsonError, openRaftLog, type RaftLog } from '../../src/index.js';
import { RaftInvariantError } from '../../sim/raft/index.js';
import { Acquaintance, StrangerError } from './cluster/acquaintance.js';
import { formCluster } from './cluster/form-cluster.js';
import { incomingPath, initMember, logPath, readMember } from './cluster/member-file.js';
import { EXIT, ExitError } from './exit.js';
import type { AdmitResponse } from './generated/keelson/examples/kv/v1/peer.js';
import { Compaction } from './host/compaction.js';
import type { MakeEngine, PeerMessage } from './host/engine.js';
import { IncomingSnapshot } from './host/incoming-snapshot.js';
import { KvHost } from './host/kv-host.js';
import { referenceEngine } from './host/reference-engine.js';
import { clientService, type ServedNode } from './net/client-service.js';
import { listen } from './net/listen.js';
import { PeerLink } from './net/peer-link.js';
import { bytesCarried } from './net/peer-messages.js';
import { peerService } from './net/peer-service.js';
import type { NodeOptions } from './node-options.js';
import type { NodeWatcher } from './node-watcher.js';
import { KeyValueState } from './state/key-value-state.js';

/** Files for the log, and their limits: the demonstration of a node that lies puts another in here. */
export type OpenLog = typeof openRaftLog;

/** One node: a Raft on a log, a state, a door for its peers and clients. */
export class KvNode {
  readonly #options: NodeOptions;
  readonly #watcher: NodeWatcher;
  readonly #openLog: OpenLog;
  readonly #engine: MakeEngine;
  readonly #acquaintance: Acquaintance;
  readonly #links = new Map<string, PeerLink>();
  readonly #abort = new AbortController();
  #server: Server | null = null;
  #log: RaftLog | null = null;
  #served: ServedNode | null = null;
  #receivedBytes = 0;
  #ticking: NodeJS.Timeout | null = null;
  #stopping: Promise<void> | null = null;

  /** Makes the folder if asked to, and reads it. Throws an {@link ExitError}; nothing is listened on yet. */
  constructor(
    options: NodeOptions,
    watcher: NodeWatcher,
    openLog: OpenLog = openRaftLog,
    engine: MakeEngine = referenceEngine,
  ) {
    this.#options = options;
    this.#watcher = watcher;
    this.#openLog = openLog;
    this.#engine = engine;
    const { folder, founding } = options;
    if (founding !== null) {
      const identity = randomBytes(8).toString('hex');
      const { clusterId, memberId, addresses, join } = founding;
      initMember(folder, {
        clusterId,
        memberId,
        addresses,
        identity,
        founders: Object.keys(addresses).filter((id) => join === undefined || id !== memberId),
        known: { [memberId]: identity },
        logs: {},
        isFormed: false,
      });
    }
    this.#acquaintance = new Acquaintance(folder, readMember(folder));
  }

  /** Resolves when this node takes part; a new one first waits for all others. Rejects with an {@link ExitError}. */
  async start(): Promise<void> {
    const { member } = this.#acquaintance;
    // A log that should be there and is not would be a node that has forgotten everything.
    if (member.isFormed) this.#log = await this.#open('never');
    await this.#listen();
    for (const memberId of this.#acquaintance.peers) this.#links.set(memberId, this.#link(memberId));
    if (!member.isFormed) {
      // Before anybody has met it: where this fails, its folder may go and be made again.
      await this.#begin();
      const visit = (memberId: string) => this.#links.get(memberId)!.visit();
      await formCluster(this.#acquaintance, visit, this.#abort.signal, this.#watcher.waiting);
      this.#log = await this.#open('if-missing');
      this.#acquaintance.formed();
    }
    if (this.#log === null) return;
    const broughtBytes = this.#acquaintance.isJoiner ? await bytesIn(this.#log) : 0;
    await this.#takePart(this.#log);
    if (this.#acquaintance.isJoiner) await this.#join(broughtBytes);
  }

  /** A node that joins may begin with what a backup holds: under its own name, so without the vote of who it was taken of. */
  async #begin(): Promise<void> {
    const { folder, founding } = this.#options;
    const backup = founding?.join?.backup ?? null;
    if (backup === null) return;
    try {
      await cloneRaftLog(backup, { to: logPath(folder), identity: 'new-member' });
    } catch (error) {
      throw asFolderError(error);
    }
  }

  /** Asks the leader, whoever it is by then, until this node is one of those that vote. */
  async #join(broughtBytes: number): Promise<void> {
    while (!this.#abort.signal.aborted) {
      const answers = await Promise.all([...this.#links.values()].map((link) => link.admit()));
      if (answers.some((answer) => answer?.isVoter === true)) {
        this.#watcher.admitted({ sentBytes: this.#receivedBytes, broughtBytes });
        return;
      }
      await delay(JOIN_PAUSE_MS);
    }
  }

  /** Idempotent. Saves that were accepted are waited for. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #open(create: 'never' | 'if-missing'): Promise<RaftLog> {
    const { folder, segmentBytes, recentBytes } = this.#options;
    let log: RaftLog | null = null;
    try {
      log = await this.#openLog({ dir: logPath(folder), create, segmentBytes, recentBytes });
      this.#acquaintance.opened(log);
      return log;
    } catch (error) {
      await log?.close();
      throw asFolderError(error);
    }
  }

  async #listen(): Promise<void> {
    const { addresses, memberId, clusterId } = this.#acquaintance.member;
    const taker = (): ((message: PeerMessage) => void) | null => {
      const host = this.#served?.host;
      if (host === undefined) return null;
      return (message) => {
        this.#receivedBytes += bytesCarried(message);
        host.step(message);
      };
    };
    const admit = (asking: string): AdmitResponse | null => {
      const host = this.#served?.host;
      if (host === undefined) return null;
      const { leader, isVoter } = host.admit(asking);
      return { leaderId: leader ?? undefined, isVoter };
    };
    const peers = peerService(this.#acquaintance, taker, admit, this.#watcher.strange);
    const clients = clientService(clusterId, () => this.#served);
    this.#server = await listen(addresses[memberId] ?? '', peers, clients);
  }

  #link(memberId: string): PeerLink {
    return new PeerLink(memberId, this.#acquaintance, {
      onLost: (lost) => this.#served?.host.unreachable(lost),
      onRefused: this.#watcher.refused,
    });
  }

  async #takePart(log: RaftLog): Promise<void> {
    const { folder, tickMs, snapshotEveryEntries, keepEntries, recentBytes } = this.#options;
    const { member } = this.#acquaintance;
    this.#watcher.opened(log);
    const state = new KeyValueState();
    const snapshot = await log.openSnapshot();
    if (snapshot !== null) await state.restore(snapshot.data);
    const acquaintance = this.#acquaintance;
    const host = new KvHost({
      log,
      engine: (under) =>
        this.#engine({
          id: member.memberId,
          log,
          host: under,
          appliedIndex: state.applied,
          conf: snapshot?.meta.conf ?? null,
          founders: acquaintance.isJoiner ? [] : member.founders,
          members: () => Object.keys(acquaintance.member.addresses),
          recentBytes,
        }),
      state,
      compaction: new Compaction(log, state, { snapshotEveryEntries, keepEntries }),
      incoming: new IncomingSnapshot(incomingPath(folder)),
      send: (messages) => {
        this.#send(messages);
      },
      observer: {
        turned: this.#watcher.turned,
        troubled: this.#watcher.troubled,
        failed: (error) => {
          this.#watcher.failed(asExit(error));
        },
      },
    });
    const { clusterId } = member;
    this.#served = { clusterId, addresses: () => acquaintance.member.addresses, host, state };
    this.#ticking = setInterval(() => {
      host.tick();
    }, tickMs);
  }

  #send(messages: readonly PeerMessage[]): void {
    for (const message of messages) {
      this.#watcher.sending(message);
      this.#linkTo(message.to)?.send(message);
    }
  }

  /** A member that joined since this node started is linked to when there is something for it. */
  #linkTo(memberId: string): PeerLink | undefined {
    const known = this.#links.get(memberId);
    if (known !== undefined || !this.#acquaintance.peers.includes(memberId)) return known;
    const link = this.#link(memberId);
    this.#links.set(memberId, link);
    return link;
  }

  async #stop(): Promise<void> {
    this.#abort.abort();
    if (this.#ticking !== null) clearInterval(this.#ticking);
    await this.#served?.host.stop();
    for (const link of this.#links.values()) link.close();
    this.#server?.forceShutdown();
    await this.#log?.close();
  }
}

const JOIN_PAUSE_MS = 100;

/** Bytes of entries and of the snapshot, without what goes around them. */
async function bytesIn(log: RaftLog): Promise<number> {
  let bytes = log.snapshot?.bytes ?? 0;
  for await (const { data } of log.stream(log.firstIndex, log.lastIndex + 1)) bytes += data.length;
  return bytes;
}

function asFolderError(error: unknown): unknown {
  if (error instanceof StrangerError) return new ExitError(EXIT.folder, `${error.message}.`, error);
  if (!isKeelsonError(error)) return error;
  const isOfFolder = error.family === 'damage' || error.code === 'KEELSON_NOT_A_LOG';
  return new ExitError(isOfFolder ? EXIT.folder : EXIT.environment, `${error.code}: ${error.message}`, error);
}

/** What a failure of the host means to the person who runs the node. */
function asExit(error: unknown): ExitError {
  if (error instanceof RaftInvariantError) {
    const message =
      `a rule of Raft is broken: ${error.message}. This node, or another, lost something that it had promised to ` +
      'keep. It stops, to spoil no more';
    return new ExitError(EXIT.broken, message, error);
  }
  if (isKeelsonError(error) && error.family !== 'caller') {
    const message =
      `the log failed: ${error.code}: ${error.message} This node acknowledges nothing more and stops. Start it again ` +
      'once the cause is mended: opening the log decides what it holds.';
    return new ExitError(EXIT.environment, message, error);
  }
  return new ExitError(
    EXIT.broken,
    `the node stops: ${error instanceof Error ? error.stack : String(error)}`,
    error,
  );
}
