import type { Message, ReadySave } from '../../../../sim/raft/index.js';
import type { Entry } from '../../../../src/raft-log/contract.js';
import type { Member } from './member.js';

/** The properties of figure 3 of the Raft paper, and that nothing is said before it is durable. Throws on a breach. */
export class Oracle {
  readonly #leaders: Map<number, string> = new Map();
  /** `index/term` to what stands there and the term before it: log matching, by induction. */
  readonly #entries: Map<string, string> = new Map();
  readonly #committed: Map<number, number> = new Map();
  readonly #applied: Map<number, string> = new Map();
  readonly #terms: Map<string, number> = new Map();
  readonly #commits: Map<string, number> = new Map();
  /** Up to where each server's committed entries have been compared. */
  readonly #judged: Map<string, number> = new Map();
  commitMax = 0;

  offered(member: Member, save: ReadySave): void {
    let prevTerm = save.entries[0] === undefined ? 0 : termIn(member, save.entries[0].index - 1);
    for (const entry of save.entries) {
      const content = `${String(prevTerm)} ${describe(entry)}`;
      this.#same(this.#entries, `${String(entry.index)}/${String(entry.term)}`, content, 'log matching');
      prevTerm = entry.term;
    }
  }

  applied(_member: Member, entry: Entry): void {
    this.#same(this.#applied, entry.index, describe(entry), 'state machine safety');
  }

  /** What leaves must already be on the sender's disk. */
  sent(member: Member, message: Message): void {
    const { hardState, lastIndex } = member.disk;
    if (message.type === 'vote-response' && message.granted) {
      const isKept = hardState.term > message.term || hardState.vote === message.to;
      check(isKept && hardState.term >= message.term, `${member.id} sent a vote that it could forget`);
    }
    if (message.type === 'vote')
      check(hardState.term >= message.term, `${member.id} campaigns in a term it could forget`);
    if (message.type === 'append-response' && message.rejected === null) {
      check(
        lastIndex >= message.index,
        `${member.id} acknowledged ${String(message.index)}, its disk ends at ${String(lastIndex)}`,
      );
    }
  }

  /** The server lost its memory, by a crash or because its disk refused a save: commit may have fallen back. */
  forgets(member: Member): void {
    this.#commits.delete(member.id);
    this.#judged.delete(member.id);
  }

  /** After every step. */
  observe(member: Member): void {
    const status = member.raft?.status;
    if (status === undefined) return;
    check(status.term >= (this.#terms.get(member.id) ?? 0) || !member.isUp, `${member.id}: term fell`);
    this.#terms.set(member.id, member.disk.hardState.term);
    check(status.commit >= (this.#commits.get(member.id) ?? 0), `${member.id}: commit fell`);
    this.#commits.set(member.id, status.commit);
    this.commitMax = Math.max(this.commitMax, status.commit);
    // What is in memory and not yet offered cannot be seen from here; it is judged when it is durable.
    this.#observeCommit(member, Math.min(status.commit, status.durableIndex));
    if (status.role === 'leader' && !this.#leaders.has(status.term)) this.#complete(member);
    if (status.role === 'leader') this.#same(this.#leaders, status.term, member.id, 'election safety');
  }

  #observeCommit(member: Member, until: number): void {
    for (let index = (this.#judged.get(member.id) ?? 0) + 1; index <= until; index += 1) {
      const term = termIn(member, index);
      // Covered by a snapshot: what it holds is judged by what was applied.
      if (term !== null) this.#same(this.#committed, index, term, 'committed entries differ');
    }
    this.#judged.set(member.id, until);
  }

  /** Leader completeness: what is committed is in the log of every later leader. */
  #complete(member: Member): void {
    const term = member.raft?.status.term ?? 0;
    for (const [index, committedTerm] of this.#committed) {
      if (committedTerm >= term) continue;
      const held = termIn(member, index);
      const isCovered = held === null && index < (member.raft?.status.firstIndex ?? 1);
      check(
        isCovered || held === committedTerm,
        `leader completeness: ${member.id} leads in term ${String(term)} with ${String(held)} instead of entry ${String(index)} of term ${String(committedTerm)}`,
      );
    }
  }

  #same<K, V>(seen: Map<K, V>, key: K, value: V, property: string): void {
    const before = seen.get(key);
    check(
      before === undefined || before === value,
      `${property}: at ${String(key)}, ${String(before)} and ${String(value)}`,
    );
    seen.set(key, value);
  }
}

/** Term of an entry on the member's disk or on its way there; null if neither holds it. */
export function termIn(member: Member, index: number): number | null {
  for (const { save } of [...member.pendingSaves].reverse()) {
    const found = save.entries.find((entry) => entry.index === index);
    if (found !== undefined) return found.term;
    if (save.snapshot !== undefined) return index === save.snapshot.index ? save.snapshot.term : null;
    if (save.truncateFrom !== undefined && index >= save.truncateFrom) return null;
  }
  const { disk } = member;
  return index < disk.firstIndex - 1 || index > disk.lastIndex ? null : disk.term(index);
}

function describe(entry: Entry): string {
  return `${String(entry.term)} ${String(entry.kind)} ${new TextDecoder().decode(entry.data)}`;
}

function check(holds: boolean, message: string): void {
  if (!holds) throw new Error(message);
}
