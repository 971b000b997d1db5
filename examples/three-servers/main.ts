import { type Entry, openRaftLog, type RaftLog, type SnapshotData } from '../../src/index.js';
import {
  decodeConfiguration,
  encodeConfiguration,
  ENTRY_KIND,
  type Message,
  Raft,
  RaftDriver,
  type RaftHost,
  type Ready,
  type SnapshotPiece,
  storageOf,
} from '../../sim/index.js';

/** The servers of this process by name: the network. Yours has sockets in between. */
const cluster = new Map<string, WordServer>();

/** A replicated list of words: the smallest state machine that can go wrong. */
class WordServer implements RaftHost {
  readonly log: RaftLog;
  readonly raft: Raft;
  readonly driver: RaftDriver;
  words: string[] = [];
  #applied = 0;
  #pieces: Uint8Array[] = [];
  #isSnapshotting = false;
  /** Clients that wait, by the entry of their proposal or the context of their read. Null tells them "unknown". */
  readonly #proposals = new Map<number, { term: number; answer: (isKept: true | null) => void }>();
  readonly #reads = new Map<string, { index: number | null; answer: (words: string[] | null) => void }>();

  /** Opens the log, makes the Raft from it, and puts the state machine to the log's snapshot. */
  static async start(id: string, dir: string, voters: readonly string[]): Promise<WordServer> {
    // 'never' from the second start on: a disk that was not mounted must not look like a new server.
    const log = await openRaftLog({ dir, create: 'if-missing' });
    const server = new WordServer(id, log, voters);
    await server.installed();
    return server;
  }

  private constructor(id: string, log: RaftLog, voters: readonly string[]) {
    const { snapshot } = log;
    this.log = log;
    this.raft = new Raft({
      id,
      storage: storageOf(log),
      random: Math.random,
      configuration:
        snapshot === null ? { voters: [...voters], learners: [] } : decodeConfiguration(snapshot.conf),
      appliedIndex: snapshot?.index ?? 0,
    });
    this.driver = new RaftDriver({ raft: this.raft, log, host: this, schedule: setImmediate });
  }

  send(messages: readonly Message[]): void {
    for (const message of messages) {
      // In a later turn, as from a network: nobody waits for a message, and it may be lost.
      setImmediate(() => cluster.get(message.to)?.driver.feed((raft) => raft.step(message)));
    }
  }

  apply(entries: readonly Entry[]): void {
    for (const { index, term, kind, data } of entries) {
      // Leaders also write entries of their own: an empty one when elected, and changes of the members.
      if (kind === ENTRY_KIND.command) this.words.push(new TextDecoder().decode(data));
      this.#applied = index;
      const waiting = this.#proposals.get(index);
      this.#proposals.delete(index);
      waiting?.answer(waiting.term === term ? true : null); // another term: another entry took its place
    }
  }

  handled({ readStates }: Ready): void {
    for (const { context, index } of readStates) {
      const waiting = this.#reads.get(context);
      if (waiting !== undefined) waiting.index = index;
    }
    for (const [context, { answer, index }] of this.#reads) {
      if (index === null || index > this.#applied) continue;
      this.#reads.delete(context);
      answer([...this.words]);
    }
    void this.#snapshotIfDue();
  }

  turned(): void {
    const { role } = this.raft.status;
    if (role !== 'leader') this.#answerUnknown();
  }

  #answerUnknown(): void {
    for (const waiting of [...this.#proposals.values(), ...this.#reads.values()]) waiting.answer(null);
    this.#proposals.clear();
    this.#reads.clear();
  }

  /** Resolves to true once the word is on a majority's stable storage and applied. Null: not known, ask again. */
  async propose(word: string): Promise<true | null> {
    const proposal = this.raft.propose(new TextEncoder().encode(word));
    this.driver.feed(() => undefined); // the driver carries out what the Raft was asked
    if (!proposal.ok) return null;
    const { index, term } = proposal;
    return new Promise((answer) => this.#proposals.set(index, { term, answer }));
  }

  /** The words, as they were at some moment after the call. Null: this server does not lead, or no longer. */
  async read(): Promise<string[] | null> {
    const context = String(Math.random());
    if (this.raft.status.role !== 'leader' || this.raft.readIndex(context) !== null) return null;
    this.driver.feed(() => undefined);
    return new Promise((answer) => this.#reads.set(context, { index: null, answer }));
  }

  async #snapshotIfDue(): Promise<void> {
    const index = this.#applied;
    if (this.#isSnapshotting || index < (this.log.snapshot?.index ?? 0) + 100) return;
    this.#isSnapshotting = true;
    try {
      const conf = encodeConfiguration(this.raft.status.configuration);
      const data = new TextEncoder().encode(JSON.stringify(this.words)); // frozen here; saves go on meanwhile
      await this.log.createSnapshot({ index, conf, data });
      await this.log.compact(index - 20); // a follower that lags a little needs no snapshot
    } catch (error) {
      this.troubled(error);
    } finally {
      this.#isSnapshotting = false;
    }
  }

  keepPiece({ offset, data }: SnapshotPiece): void {
    if (offset === 0) this.#pieces = [];
    this.#pieces.push(data);
  }

  incomingData(): SnapshotData {
    return Buffer.concat(this.#pieces);
  }

  async installed(): Promise<void> {
    const opened = await this.log.openSnapshot();
    if (opened === null) return;
    const chunks: Uint8Array[] = [];
    for await (const chunk of opened.data) chunks.push(chunk);
    this.words = JSON.parse(Buffer.concat(chunks).toString()) as string[];
    this.#applied = opened.meta.index;
  }

  troubled(error: unknown): void {
    if (this.driver.isRunning) console.error(`${this.raft.status.id} goes on, but`, error);
  }

  failed(error: unknown): void {
    // "Unknown", not "no": opening the log again decides what it holds.
    this.#answerUnknown();
    console.error(`${this.raft.status.id} stops:`, error);
    process.exitCode = 1;
  }

  async stop(): Promise<void> {
    await this.driver.stop();
    await this.log.close();
  }
}

const voters = ['ada', 'bea', 'cid'];
for (const id of voters) cluster.set(id, await WordServer.start(id, `${id}-log`, voters));
const ticking = setInterval(() => {
  for (const { driver } of cluster.values()) driver.feed((raft) => raft.tick());
}, 20);

/** Asks one server after another until one knows. */
async function ask<T>(question: (server: WordServer) => Promise<T | null>): Promise<T> {
  for (;;) {
    for (const server of cluster.values()) {
      const answer = await question(server);
      if (answer !== null) return answer;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const before = await ask((server) => server.read());
for (let count = 1; count <= 150; count += 1)
  await ask((server) => server.propose(`word ${before.length + count}`));
const words = await ask((server) => server.read());
console.log(`${before.length} words before, ${words.length} now, the last is "${words.at(-1)}"`);

clearInterval(ticking);
for (const server of cluster.values()) await server.stop();
