import { randomBytes } from 'node:crypto';
import type { RaftLog } from '../../../src/index.js';
import { type Member, writeMember } from './member-file.js';

/** What a caller says of itself in the metadata of each call. */
export interface Caller {
  readonly clusterId: string;
  readonly memberId: string;
  readonly identity: string;
  /** Identity of its log, `recovery.storeId`; `''` while it has not opened it. */
  readonly log: string;
  /** Drawn by each process of its own: one folder that was copied speaks in two. */
  readonly run: string;
}

/** Why another node is not listened to; the message is for the person who runs it. */
export class StrangerError extends Error {
  override readonly name = 'StrangerError';
}

/**
 * Who belongs to the cluster, and how a folder that was lost is told.
 *
 * Raft rests on servers that never forget a vote or an acknowledgement. One that comes back with an empty folder has
 * forgotten both, and could help to elect a leader that lacks what it had once acknowledged. So:
 * - each store has a random identity, and each member durably notes every other's when they first meet, for good;
 * - nobody takes part before all members have said that they know all members by the same identities. From then on
 *   whoever comes under a known name with another identity is refused by every other member, whoever is up;
 * - a folder that was copied has its original's identity, and must not run beside it: of two processes that speak as one
 *   member, the one that was there first is told so and refused when it speaks again;
 * - a log alone that was copied into another node's folder has its original's identity too: that node does not start with it,
 *   and where it has forgotten whose log is whose, the others refuse it by name.
 * A node that joins later is met by all members in the same way, before it is added to those that vote.
 */
export class Acquaintance {
  readonly #folder: string;
  #member: Member;
  #log = '';
  /** What each member said last of whom it knows. */
  readonly #told = new Map<string, Readonly<Record<string, string>>>();
  readonly #run = randomBytes(8).toString('hex');
  /** The runs of each member that were heard of, the newest last. */
  readonly #runs = new Map<string, string[]>();

  constructor(folder: string, member: Member) {
    this.#folder = folder;
    this.#member = member;
  }

  get member(): Member {
    return this.#member;
  }

  /** What this node says of itself. */
  get self(): Caller {
    const { clusterId, memberId, identity } = this.#member;
    return { clusterId, memberId, identity, log: this.#log, run: this.#run };
  }

  /** This node has opened its log. Throws {@link StrangerError} where that is another's, or none that it ever had. */
  opened({ recovery, unfitUntil }: Pick<RaftLog, 'recovery' | 'unfitUntil'>): void {
    const { storeId } = recovery;
    const { memberId, logs } = this.#member;
    const own = logs[memberId];
    this.#checkLog(memberId, storeId);
    // What was restored from a backup of this member is a log of its own, and never votes.
    if (own !== undefined && own !== storeId && unfitUntil !== Infinity)
      throw new StrangerError(
        `the log of member '${memberId}' is store ${own}, and in its folder lies store ${storeId}, which has neither its ` +
          'votes nor what it acknowledged. Bring its own log back, or restore a backup of it with --identity same',
      );
    this.#log = storeId;
    this.#noteLog(memberId, storeId);
  }

  #checkLog(memberId: string, log: string): void {
    const owner = Object.entries(this.#member.logs).find(
      ([id, known]) => known === log && id !== memberId,
    )?.[0];
    if (owner !== undefined)
      throw new StrangerError(
        `member '${memberId}' comes with the log of member '${owner}', store ${log}: its folder was copied, and of two that ` +
          `vote from one log each forgets what it promised itself. Bring back the log of '${memberId}', or clone that of ` +
          `'${owner}' for a new member`,
      );
  }

  #noteLog(memberId: string, log: string): void {
    const { logs } = this.#member;
    if (log !== '' && logs[memberId] !== log)
      this.#write({ ...this.#member, logs: { ...logs, [memberId]: log } });
  }

  /** It was no member when the cluster was founded. */
  get isJoiner(): boolean {
    return !this.#member.founders.includes(this.#member.memberId);
  }

  /** The other members' ids. */
  get peers(): readonly string[] {
    return Object.keys(this.#member.addresses).filter((id) => id !== this.#member.memberId);
  }

  /**
   * Throws {@link StrangerError} unless the caller is of this cluster and the store that it always was.
   *
   * @param joinAddress - of one that asks to be a member, where it listens
   */
  check(caller: Caller, joinAddress: string | null = null): void {
    const { clusterId, memberId, identity } = caller;
    const own = this.#member;
    if (clusterId !== own.clusterId) {
      throw new StrangerError(`this node is of cluster '${own.clusterId}', the caller of '${clusterId}'`);
    }
    const twin = Object.entries(own.addresses).find(([, address]) => address === joinAddress)?.[0];
    if (twin !== undefined && twin !== memberId)
      throw new StrangerError(`${joinAddress} is the address of member '${twin}', and not of '${memberId}'`);
    const mayJoin = joinAddress !== null && own.isFormed;
    if (memberId === own.memberId || !(memberId in own.addresses || mayJoin)) {
      const members = Object.keys(own.addresses).join(', ');
      throw new StrangerError(`'${memberId}' is not another member of cluster '${clusterId}' (${members})`);
    }
    const known = own.known[memberId];
    if (this.isOutlived(caller))
      throw new StrangerError(
        `another process has spoken since as member '${memberId}', with the same store ${identity}: the folder was ` +
          'copied, and two run under one name, which have one vote between them. Stop one of them for good, and set its ' +
          'folder aside',
      );
    this.#checkLog(memberId, caller.log);
    if (known === undefined || known === identity) return;
    throw new StrangerError(
      `member '${memberId}' is known as store ${known} and comes as store ${identity}: its folder was lost or made ` +
        'anew, so it has forgotten its votes and what it acknowledged. It must not take part under this name; bring ' +
        'back its folder, or begin a new cluster',
    );
  }

  /** Whether a newer process speaks as that member, though this one still does. */
  isOutlived({ memberId, run }: Caller): boolean {
    const runs = this.#runs.get(memberId) ?? [];
    return runs.includes(run) && runs.at(-1) !== run;
  }

  /** A process that passed {@link check} speaks. */
  heard({ memberId, log, run }: Caller): void {
    this.#noteLog(memberId, log);
    const runs = this.#runs.get(memberId) ?? [];
    if (!runs.includes(run)) this.#runs.set(memberId, [...runs, run]);
  }

  /** A member was met, or heard from again: notes its identity on stable storage, and whom it knows. */
  meet(
    caller: Omit<Caller, 'run' | 'log'>,
    told: Readonly<Record<string, string>>,
    joinAddress: string | null = null,
  ): void {
    this.check({ ...caller, log: '', run: '' }, joinAddress);
    const { memberId, identity } = caller;
    const { known, addresses } = this.#member;
    if (known[memberId] === undefined) {
      const address = addresses[memberId] ?? joinAddress ?? '';
      this.#write({
        ...this.#member,
        known: { ...known, [memberId]: identity },
        addresses: { ...addresses, [memberId]: address },
      });
    }
    this.#told.set(memberId, told);
  }

  /**
   * Whether all members know all members by the same identities. Nobody ever unlearns an identity, so this stays
   * true: two members cannot come to agree on different stores under one name.
   */
  get isAgreed(): boolean {
    const all = Object.keys(this.#member.addresses);
    const tables = [this.#member.known, ...this.peers.map((id) => this.#told.get(id))];
    return tables.every((table) =>
      all.every((id) => table?.[id] !== undefined && table[id] === this.#member.known[id]),
    );
  }

  /** Durably: this node takes part. */
  formed(): void {
    if (!this.#member.isFormed) this.#write({ ...this.#member, isFormed: true });
  }

  #write(member: Member): void {
    writeMember(this.#folder, member);
    this.#member = member;
  }
}
