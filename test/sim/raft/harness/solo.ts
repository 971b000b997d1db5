import {
  encodeConfiguration,
  type Message,
  type NodeId,
  Raft,
  type Ready,
  type ReadySave,
} from '../../../../sim/raft/index.js';
import type { Entry } from '../../../../src/raft-log/contract.js';
import { Disk } from './disk.js';
import type { Tuning } from './member.js';

/** How a lone server begins: the terms of its log's entries, index 1 first. */
export interface SoloOptions extends Tuning {
  readonly id?: NodeId;
  readonly voters?: readonly NodeId[];
  readonly logTerms?: readonly number[];
  readonly term?: number;
  readonly vote?: NodeId | null;
  readonly commit?: number;
  readonly unfitUntil?: number;
  readonly random?: () => number;
}

/** One server whose peers are the test: what it is told, and what it says. */
export class Solo {
  readonly id: NodeId;
  readonly disk: Disk = new Disk();
  readonly raft: Raft;
  readonly applied: Entry[] = [];
  readonly reads: string[] = [];
  /** Saves that were asked for and not finished, with what waits for each. */
  pending: { readonly save: ReadySave; readonly messages: readonly Message[] }[] = [];

  constructor(options: SoloOptions = {}) {
    const {
      id = 'n1',
      voters = ['n1', 'n2', 'n3'],
      logTerms = [],
      vote = null,
      commit = 0,
      unfitUntil = 0,
    } = options;
    const { term = logTerms.at(-1) ?? 0 } = options;
    this.id = id;
    this.disk.save(
      {
        id: 0,
        entries: logTerms.map((entryTerm, at) => entry(at + 1, entryTerm)),
        hardState: { term, vote, commit },
        mustSync: true,
      },
      null,
    );
    this.disk.unfitUntil = unfitUntil;
    this.raft = new Raft({
      electionTicks: 10,
      savesUnderWayMax: 4,
      ...tuningOf(options),
      id,
      storage: this.disk,
      random: options.random ?? ((): number => 0),
      configuration: { voters, learners: [] },
    });
  }

  /** Takes what has come up and sends what may be sent at once; saves stay pending. */
  take(): Message[] {
    const sent: Message[] = [];
    while (this.raft.hasReady) {
      const ready = this.raft.ready();
      sent.push(...ready.messages);
      if (ready.save !== null) this.pending.push({ save: ready.save, messages: ready.messagesAfterSave });
      this.#apply(ready);
    }
    return sent;
  }

  /** Finishes the oldest save. Returns what was waiting for it. */
  finishSave(): Message[] {
    const pending = this.pending.shift();
    if (pending === undefined) throw new Error('no save is under way');
    this.disk.save(pending.save, null);
    this.raft.persisted(pending.save.id);
    return [...pending.messages];
  }

  /** Takes and saves until nothing is left to do. Returns all that was sent. */
  settle(): Message[] {
    const sent = this.take();
    while (this.pending.length > 0) sent.push(...this.finishSave(), ...this.take());
    return sent;
  }

  /** Tells it something; returns all that it says in the end. */
  hear(message: Message): Message[] {
    this.raft.step(message);
    return this.settle();
  }

  tick(count: number): Message[] {
    const sent: Message[] = [];
    for (let at = 0; at < count; at += 1) {
      this.raft.tick();
      sent.push(...this.settle());
    }
    return sent;
  }

  /** Has it elected by `voters`, in the next term. */
  win(...voters: readonly NodeId[]): Message[] {
    this.raft.campaign();
    this.settle();
    const next = this.raft.status.term + 1;
    for (const from of voters) {
      this.hear({ type: 'pre-vote-response', from, to: this.id, term: next, granted: true });
    }
    return voters.flatMap((from) =>
      this.hear({ type: 'vote-response', from, to: this.id, term: next, granted: true }),
    );
  }

  #apply(ready: Ready): void {
    this.applied.push(...ready.committedEntries);
    const last = ready.committedEntries.at(-1);
    if (last !== undefined) this.raft.applied(last.index);
    for (const read of ready.readStates) this.reads.push(`${read.context}@${String(read.index)}`);
    for (const read of ready.reads) this.raft.entriesRead(read, this.disk.entries(read.from, read.until));
  }

  /** Compacts the log on disk up to `index`. */
  compact(index: number): void {
    const conf = encodeConfiguration(this.raft.status.configuration);
    this.disk.compact({
      index,
      term: this.disk.term(index),
      conf,
      data: new TextEncoder().encode('x'.repeat(40)),
    });
  }
}

/** An entry whose data says where it stands. */
export function entry(index: number, term: number): Entry {
  return { index, term, kind: 0, data: new TextEncoder().encode(`${String(index)}/${String(term)}`) };
}

/** An append of a leader. */
export function append(
  from: NodeId,
  term: number,
  prev: readonly [index: number, term: number],
  terms: readonly number[],
  commit = 0,
): Message {
  const entries = terms.map((entryTerm, at) => entry(prev[0] + 1 + at, entryTerm));
  return { type: 'append', from, to: 'n1', term, prevIndex: prev[0], prevTerm: prev[1], entries, commit };
}

type VoteRequest = Extract<Message, { readonly type: 'vote' }>;

/** A request for a vote. */
export function vote(from: NodeId, term: number, last: readonly [index: number, term: number]): VoteRequest {
  return { type: 'vote', from, to: 'n1', term, lastIndex: last[0], lastTerm: last[1], transfer: false };
}

/** A follower's acknowledgement. */
export function holds(from: NodeId, term: number, index: number): Message {
  return { type: 'append-response', from, to: 'n1', term, index, rejected: null };
}

/** The terms on disk, index 1 first. */
export function termsOf(solo: Solo): number[] {
  return Array.from({ length: solo.disk.lastIndex }, (_, at) => solo.disk.term(at + 1));
}

function tuningOf(options: SoloOptions): Tuning {
  const own = ['id', 'voters', 'logTerms', 'term', 'vote', 'commit', 'unfitUntil', 'random'];
  return Object.fromEntries(Object.entries(options).filter(([name]) => !own.includes(name)));
}
