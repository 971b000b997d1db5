import { type Member, writeMember } from './member-file.js';

/** What a caller says of itself in the metadata of each call. */
export interface Caller {
  readonly clusterId: string;
  readonly memberId: string;
  readonly identity: string;
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
 *   whoever comes under a known name with another identity is refused by every other member, whoever is up.
 */
export class Acquaintance {
  readonly #folder: string;
  #member: Member;
  /** What each member said last of whom it knows. */
  readonly #told = new Map<string, Readonly<Record<string, string>>>();

  constructor(folder: string, member: Member) {
    this.#folder = folder;
    this.#member = member;
  }

  get member(): Member {
    return this.#member;
  }

  /** The other members' ids. */
  get peers(): readonly string[] {
    return Object.keys(this.#member.addresses).filter((id) => id !== this.#member.memberId);
  }

  /** Throws {@link StrangerError} unless the caller is of this cluster and the store that it always was. */
  check({ clusterId, memberId, identity }: Caller): void {
    const own = this.#member;
    if (clusterId !== own.clusterId) {
      throw new StrangerError(`this node is of cluster '${own.clusterId}', the caller of '${clusterId}'`);
    }
    if (memberId === own.memberId || !(memberId in own.addresses)) {
      const members = Object.keys(own.addresses).join(', ');
      throw new StrangerError(`'${memberId}' is not another member of cluster '${clusterId}' (${members})`);
    }
    const known = own.known[memberId];
    if (known === undefined || known === identity) return;
    throw new StrangerError(
      `member '${memberId}' is known as store ${known} and comes as store ${identity}: its folder was lost or made ` +
        'anew, so it has forgotten its votes and what it acknowledged. It must not take part under this name; bring ' +
        'back its folder, or begin a new cluster',
    );
  }

  /** A member was met, or heard from again: notes its identity on stable storage, and whom it knows. */
  meet(caller: Caller, told: Readonly<Record<string, string>>): void {
    this.check(caller);
    const { memberId, identity } = caller;
    if (this.#member.known[memberId] === undefined) {
      this.#write({ ...this.#member, known: { ...this.#member.known, [memberId]: identity } });
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
