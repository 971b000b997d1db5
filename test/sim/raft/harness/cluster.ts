import type { Message, ReadState } from '../../../../sim/raft/index.js';
import type { Entry } from '../../../../src/raft-log/contract.js';
import { describeEntry, describeMessage } from './describe.js';
import { Member, NO_CONFIGURATION, type Tuning } from './member.js';
import { Oracle } from './oracle.js';

/** Small bounds, so that every limit is met soon. */
export const TIGHT: Tuning = {
  electionTicks: 5,
  heartbeatTicks: 1,
  savesUnderWayMax: 3,
  appendBytesMax: 24,
  inflightCountMax: 3,
  inflightBytesMax: 64,
  recentBytesMax: 16,
  snapshotChunkBytes: 16,
  snapshotChunksMax: 2,
};

/** A cluster on one thread: messages lie in a bag until they are delivered, saves wait until they are finished. */
export class Cluster {
  readonly members: Member[];
  readonly oracle: Oracle = new Oracle();
  /** Every read that was answered. */
  readonly readsDone: { readonly by: string; readonly read: ReadState }[] = [];
  bag: Message[] = [];
  /** `from>to` links that carry nothing. */
  readonly cut: Set<string> = new Set();
  /** Told of every message sent, entry applied, read answered and change of role; for stories. */
  onEvent: ((kind: 'message' | 'state', line: string) => void) | null = null;
  readonly #roles: Map<string, string> = new Map();
  #commandCount = 0;
  #readCount = 0;
  readonly #readFloor: Map<string, number> = new Map();

  /** Members `n1..`; the first `voterCount` are voters, the rest wait to be added. */
  constructor(memberCount: number, voterCount: number, seed: number, tuning: Tuning = TIGHT) {
    const ids = Array.from({ length: memberCount }, (_, at) => `n${String(at + 1)}`);
    const first = { voters: ids.slice(0, voterCount), learners: [] };
    const watcher = {
      sent: (member: Member, message: Message): void => {
        this.oracle.sent(member, message);
        const isLost = this.cut.has(`${message.from}>${message.to}`);
        this.onEvent?.('message', `${describeMessage(message)}${isLost ? ' (lost)' : ''}`);
        if (!isLost) this.bag.push(message);
      },
      offered: this.oracle.offered.bind(this.oracle),
      applied: (member: Member, entry: Entry): void => {
        this.oracle.applied(member, entry);
        this.onEvent?.('state', `${member.id} applies ${describeEntry(entry)}`);
      },
      read: (member: Member, read: ReadState): void => {
        this.#judgeRead(member.id, read);
      },
    };
    this.members = ids.map(
      (id, at) =>
        new Member(id, at < voterCount ? first : NO_CONFIGURATION, tuning, stream(seed, at), watcher),
    );
    for (const member of this.members) member.start();
  }

  member(id: string): Member {
    const member = this.members.find((candidate) => candidate.id === id);
    if (member === undefined) throw new RangeError(`no member ${id}`);
    return member;
  }

  get leader(): Member | null {
    const leaders = this.members.filter((member) => member.raft?.status.role === 'leader');
    return leaders.sort((a, b) => (b.raft?.status.term ?? 0) - (a.raft?.status.term ?? 0))[0] ?? null;
  }

  /** Does what has come up on `member`, and holds it against the oracle. */
  settle(member: Member): void {
    member.pump();
    this.oracle.observe(member);
    const status = member.raft?.status;
    if (status === undefined) return;
    const role = `${status.role} in term ${String(status.term)}`;
    if (this.#roles.get(member.id) !== role) this.onEvent?.('state', `${member.id} is ${role}`);
    this.#roles.set(member.id, role);
  }

  deliver(message: Message): void {
    const member = this.member(message.to);
    if (this.cut.has(`${message.from}>${message.to}`)) return;
    member.raft?.step(message);
    this.settle(member);
  }

  /** Delivers, saves and reads until nothing is left to do, without letting time pass. */
  quiesce(): void {
    for (let turn = 0; turn < 20_000; turn += 1) {
      const message = this.bag.shift();
      if (message !== undefined) {
        this.deliver(message);
        continue;
      }
      const busy = this.members.filter((member) => isBusy(member));
      if (busy.length === 0) return;
      for (const member of busy) {
        member.finishReads();
        this.settle(member);
        while (member.pendingSaves.length > 0) {
          member.finishSave();
          this.settle(member);
        }
      }
    }
    throw new Error('the cluster is never done');
  }

  tick(member: Member): void {
    member.raft?.tick();
    this.settle(member);
  }

  /** Every member ticks, and all that follows happens, `rounds` times. */
  run(rounds: number): void {
    for (let round = 0; round < rounds; round += 1) {
      for (const member of this.members) this.tick(member);
      this.quiesce();
    }
  }

  /** Proposes a command of its own on `member`; null if it was refused. */
  propose(member: Member, command?: string): number | null {
    this.#commandCount += 1;
    const proposal = member.raft?.propose(
      new TextEncoder().encode(command ?? `c${String(this.#commandCount)}`),
    );
    this.settle(member);
    return proposal?.ok === true ? proposal.index : null;
  }

  read(member: Member): void {
    this.#readCount += 1;
    const context = `r${String(this.#readCount)}`;
    this.#readFloor.set(context, this.oracle.commitMax);
    member.raft?.readIndex(context);
    this.settle(member);
  }

  restart(member: Member): void {
    if (member.isUp) return;
    this.oracle.forgets(member);
    member.start();
    this.settle(member);
  }

  refuse(member: Member): void {
    if (member.pendingSaves.length === 0) return;
    this.oracle.forgets(member);
    member.refuseSaves();
    this.settle(member);
  }

  #judgeRead(by: string, read: ReadState): void {
    const floor = this.#readFloor.get(read.context) ?? Infinity;
    if (read.index < floor) {
      throw new Error(
        `${by} may read at ${String(read.index)}, ${String(floor)} was committed before it asked`,
      );
    }
    this.readsDone.push({ by, read });
    this.onEvent?.('state', `${by} may answer ${read.context} at index ${String(read.index)}`);
  }
}

function isBusy(member: Member): boolean {
  const { pendingSaves, pendingReads, pendingSnapshotReads } = member;
  return member.isUp && pendingSaves.length + pendingReads.length + pendingSnapshotReads.length > 0;
}

/** A small generator of its own for each member (mulberry32), so that one member's draws do not move another's. */
function stream(seed: number, at: number): () => number {
  let state = (seed ^ Math.imul(at + 1, 0x9e3779b9)) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
