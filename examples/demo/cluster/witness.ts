import type { Announcement } from './announcement.js';
import { Violation } from './violation.js';

/** What one node has promised and told. */
interface NodeRecord {
  /** The newest vote that left it. */
  vote: { readonly term: number; readonly candidate: string } | null;
  installs: number;
  compactedUpTo: number;
  votesSent: number;
}

/** Hears all nodes, counts, and holds each node that comes back against the votes that it sent. */
export class Witness {
  readonly verdicts: Map<string, number> = new Map();
  readonly syncMs: number[] = [];
  readonly troubles: string[] = [];
  cutBytes = 0;
  snapshots = 0;
  installs = 0;
  installedBytesMax = 0;
  compactions = 0;
  leaderlessMsMax = 0;
  violation: Violation | null = null;
  readonly #nodes = new Map<string, NodeRecord>();
  readonly #termsLed = new Set<number>();
  #leader: { readonly node: string; readonly term: number } | null = null;
  #leaderlessSinceMs: number | null = null;

  /** Leaders elected. */
  get elections(): number {
    return this.#termsLed.size;
  }

  /** The node that leads as far as is known. */
  get leader(): string | null {
    return this.#leader?.node ?? null;
  }

  record(node: string): Readonly<NodeRecord> {
    return this.#record(node);
  }

  hear(node: string, announcement: Announcement): void {
    const record = this.#record(node);
    switch (announcement.kind) {
      case 'opened':
        this.verdicts.set(announcement.verdict, (this.verdicts.get(announcement.verdict) ?? 0) + 1);
        this.cutBytes += announcement.cutBytes;
        this.#checkVote(node, record, announcement);
        return;
      case 'role':
        this.#heardRole(node, announcement.role === 'leader', announcement.term);
        return;
      case 'vote':
        record.vote = announcement;
        record.votesSent += 1;
        return;
      case 'snapshot':
        if (announcement.isInstalled) {
          this.installs += 1;
          record.installs += 1;
          this.installedBytesMax = Math.max(this.installedBytesMax, announcement.bytes);
        } else this.snapshots += 1;
        return;
      case 'compacted':
        this.compactions += 1;
        record.compactedUpTo = announcement.upTo;
        return;
      case 'syncs':
        this.syncMs.push(...announcement.ms);
        return;
      case 'trouble':
        this.troubles.push(`${node}: ${announcement.text}`);
        return;
      case 'taking-part':
      case 'ending':
        return;
    }
  }

  /** A node was killed, or is gone. */
  gone(node: string): void {
    if (this.#leader?.node === node) this.#lostLeader();
  }

  /** Nothing is asked of the cluster any more. */
  stopWatch(): void {
    this.#countLeaderless();
    this.#leaderlessSinceMs = null;
  }

  /** A vote that was sent is for ever: in its term the node may give no other (Raft paper, figure 2). */
  #checkVote(
    node: string,
    { vote }: NodeRecord,
    found: { readonly term: number; readonly vote: string | null },
  ): void {
    if (vote === null || found.term > vote.term) return;
    if (found.term === vote.term && found.vote === vote.candidate) return;
    this.violation ??= new Violation('A node came back without a vote that it had given:', [
      `${node} voted for ${vote.candidate} in term ${vote.term}, and came back in term ${found.term} ` +
        (found.vote === null ? 'without a vote' : `with a vote for ${found.vote}`),
    ]);
  }

  #heardRole(node: string, isLeader: boolean, term: number): void {
    if (isLeader) {
      this.#termsLed.add(term);
      if (this.#leader !== null && this.#leader.term > term) return;
      this.#countLeaderless();
      this.#leader = { node, term };
      this.#leaderlessSinceMs = null;
    } else if (this.#leader?.node === node) this.#lostLeader();
  }

  #lostLeader(): void {
    this.#leader = null;
    this.#leaderlessSinceMs ??= performance.now();
  }

  #countLeaderless(): void {
    if (this.#leaderlessSinceMs === null) return;
    this.leaderlessMsMax = Math.max(this.leaderlessMsMax, performance.now() - this.#leaderlessSinceMs);
  }

  #record(node: string): NodeRecord {
    let record = this.#nodes.get(node);
    if (record === undefined) {
      record = { vote: null, installs: 0, compactedUpTo: 0, votesSent: 0 };
      this.#nodes.set(node, record);
    }
    return record;
  }
}
