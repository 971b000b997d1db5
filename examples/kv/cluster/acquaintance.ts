import { randomBytes } from 'node:crypto';
import { type Member, writeMember } from './member-file.js';

/** What a caller says of itself in the metadata of each call. */
export interface Caller {
  readonly clusterId: string;
  readonly memberId: string;
  readonly identity: string;
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
 *   member, the one that was there first is told so and refused when it speaks again.
 * A node that joins later is met by all members in the same way, before it is added to those that vote.
 */
export class Acquaintance {
  readonly #folder: string;
  #member: Member;
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
    return { clusterId, memberId, identity, run: this.#run };
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
  heard({ memberId, run }: Caller): void {
    const runs = this.#runs.get(memberId) ?? [];
    if (!runs.includes(run)) this.#runs.set(memberId, [...runs, run]);
  }

  /** A member was met, or heard from again: notes its identity on stable storage, and whom it knows. */
  meet(
    caller: Omit<Caller, 'run'>,
    told: Readonly<Record<string, string>>,
    joinAddress: string | null = null,
  ): void {
    this.check({ ...caller, run: '' }, joinAddress);
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
