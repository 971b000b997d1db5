import type { Message } from '../../../../sim/raft/index.js';
import { Cluster } from './cluster.js';
import { describeMessage } from './describe.js';
import type { Member } from './member.js';

/**
 * Plays a story: a text whose lines that begin with `$ ` are steps. Returns the same text with what each step prints
 * below it, indented by two blanks; prose is kept, old output dropped.
 *
 *     $ cluster 3 [of 5]           three voters (of five servers), all at rest
 *     $ campaign n1                 n1 asks for votes
 *     $ deliver [type] [n1>n2]      delivers the messages that lie in the bag now, of that kind and on that way
 *     $ lose [type] [n1>n2]         loses them
 *     $ save n1                     n1's disk finishes its oldest save
 *     $ settle                      delivers and saves until nothing is left to do; prints no messages
 *     $ watch                       the same, and prints the messages
 *     $ tick n1 [count] / run count / propose n1 text / read n1 / transfer n1 n2 / compact n1
 *     $ change n1 add-voter n4      also add-learner, remove
 *     $ crash n1 [count]            count of the saves under way survive
 *     $ restart n1 / isolate n1 / cut n1>n2 / heal / refuse n1 / fail n1 / back n1 / unfit n1 index / timeout n1 n2
 *     $ status                      what each server is and holds
 */
export function playStory(text: string): string {
  const player = new Player();
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('  ')) continue;
    lines.push(line);
    if (line.startsWith('$ ')) lines.push(...player.play(line.slice(2)).map((printed) => `  ${printed}`));
  }
  return lines.join('\n');
}

class Player {
  #cluster: Cluster = new Cluster(1, 1, 1);
  #printed: string[] = [];
  #isWatching = true;

  play(step: string): string[] {
    this.#printed = [];
    const [verb = '', ...args] = step.split(' ');
    this.#isWatching = verb !== 'settle' && verb !== 'run';
    this.#perform(verb, args);
    for (const member of this.#cluster.members) this.#cluster.settle(member);
    return this.#printed;
  }

  #perform(verb: string, args: readonly string[]): void {
    const [first = '', second = '', third = ''] = args;
    switch (verb) {
      case 'cluster': {
        this.#begin(Number(first), Number(third === '' ? first : third));
        return;
      }
      case 'deliver':
        for (const message of this.#takeFromBag(args)) this.#cluster.deliver(message);
        return;
      case 'lose':
        for (const message of this.#takeFromBag(args))
          this.#printed.push(`lost: ${describeMessage(message)}`);
        return;
      case 'settle':
      case 'watch': {
        this.#cluster.quiesce();
        return;
      }
      case 'run': {
        this.#cluster.run(Number(first));
        return;
      }
      case 'heal': {
        this.#cluster.cut.clear();
        return;
      }
      case 'cut':
        this.#cluster.cut.add(first);
        return;
      case 'status':
        for (const member of this.#cluster.members) this.#printed.push(statusLine(member));
        return;
      default: {
        this.#performOn(this.#cluster.member(first), verb, second, args);
        return;
      }
    }
  }

  #performOn(member: Member, verb: string, arg: string, args: readonly string[]): void {
    const cluster = this.#cluster;
    const { raft } = member;
    switch (verb) {
      case 'campaign': {
        this.#print(raft?.campaign());
        return;
      }
      case 'tick':
        for (let count = Number(arg === '' ? 1 : arg); count > 0; count -= 1) cluster.tick(member);
        return;
      case 'save': {
        member.finishSave();
        return;
      }
      case 'propose':
        if (cluster.propose(member, args.slice(1).join(' ')) === null) this.#print('refused');
        return;
      case 'change': {
        const proposal = raft?.proposeConfChange({ op: asOp(arg), id: args[2] ?? '' });
        this.#print(proposal?.ok === false ? `refused: ${proposal.reason}` : null);
        return;
      }
      case 'read': {
        cluster.read(member);
        return;
      }
      case 'transfer': {
        this.#print(raft?.transferLeadership(arg));
        return;
      }
      case 'compact': {
        member.compact();
        return;
      }
      case 'crash': {
        member.crash(Number(arg));
        return;
      }
      case 'restart': {
        cluster.restart(member);
        return;
      }
      case 'isolate':
        for (const { id } of cluster.members) cluster.cut.add(`${member.id}>${id}`).add(`${id}>${member.id}`);
        return;
      case 'refuse': {
        cluster.refuse(member);
        return;
      }
      case 'fail':
        return raft?.storageFailed(member.pendingSaves[0]?.save.id ?? 0, 'unknown');
      case 'back':
        return raft?.storageBack();
      case 'unfit':
        member.disk.unfitUntil = Number(arg);
        return;
      case 'timeout': {
        const term = raft?.status.term ?? 0;
        cluster.deliver({ type: 'timeout-now', from: arg, to: member.id, term });
        return;
      }
      default:
        throw new RangeError(`no such step: ${verb}`);
    }
  }

  #begin(voterCount: number, memberCount: number): void {
    this.#cluster = new Cluster(memberCount, voterCount, 1);
    for (const member of this.#cluster.members) this.#cluster.settle(member);
    this.#cluster.onEvent = (kind, line) => {
      if (kind === 'state' || this.#isWatching) this.#printed.push(line);
    };
  }

  #takeFromBag(filters: readonly string[]): readonly Message[] {
    const isMeant = (message: Message): boolean =>
      filters.every((filter) => filter === message.type || filter === `${message.from}>${message.to}`);
    const taken = this.#cluster.bag.filter(isMeant);
    this.#cluster.bag = this.#cluster.bag.filter((message) => !isMeant(message));
    return taken;
  }

  #print(line: string | null | undefined): void {
    if (line !== null && line !== undefined) this.#printed.push(line);
  }
}

function statusLine(member: Member): string {
  const { raft, disk, commands } = member;
  if (raft === null) return `${member.id} is down, its disk holds up to ${String(disk.lastIndex)}`;
  const { role, term, vote, firstIndex, lastIndex, lastTerm, durableIndex, commit } = raft.status;
  const log = `log ${String(firstIndex)}..${String(lastIndex)}/${String(lastTerm)}, durable ${String(durableIndex)}`;
  const said = `${member.id} ${role} term ${String(term)} vote ${String(vote)}`;
  return `${said}, ${log}, commit ${String(commit)}, applied [${commands.join(' ')}]`;
}

function asOp(word: string): 'add-voter' | 'add-learner' | 'remove' {
  if (word === 'add-voter' || word === 'add-learner' || word === 'remove') return word;
  throw new RangeError(`no such change: ${word}`);
}
