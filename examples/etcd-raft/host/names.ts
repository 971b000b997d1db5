import { createHash } from 'node:crypto';

/** 48 bits: no two of a few names meet, and JavaScript's numbers hold them. */
const ID_BYTES = 6;

/** Members have names; to etcd-io/raft they are numbers. A name's number is made of the name, so nobody keeps a table. */
export class Names {
  readonly #known: () => readonly string[];
  readonly #names = new Map<number, string>();

  /** `known` names everybody who may be meant. */
  constructor(known: () => readonly string[]) {
    this.#known = known;
  }

  idOf(name: string): number {
    return createHash('sha256').update(name).digest().readUIntBE(0, ID_BYTES);
  }

  /** Undefined for a number of nobody who is known. */
  find(id: number): string | undefined {
    if (!this.#names.has(id)) for (const name of this.#known()) this.#names.set(this.idOf(name), name);
    return this.#names.get(id);
  }

  /** Throws where {@link find} finds nobody. */
  nameOf(id: number): string {
    const name = this.find(id);
    if (name === undefined) throw new Error(`no member is known whose number is ${id.toString(16)}`);
    return name;
  }
}
