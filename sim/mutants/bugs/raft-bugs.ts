import type { PlantedBug } from '../planted-bug.js';

/** Small slips in the reference Raft, of the kinds that its papers warn of. */
export const RAFT_BUGS: readonly PlantedBug[] = [
  {
    number: 220,
    name: 'requests of reads are numbered anew in each life',
    rule: 'dissertation, 6.4',
    profile: 'cluster',
    hunks: [
      {
        file: 'sim/raft/host/server.ts',
        find: 'return `${this.#incarnation}-${String(this.#requestCount)}`;',
        put: 'return String(this.#requestCount);',
      },
    ],
  },
  {
    number: 221,
    name: 'an answer to an earlier heartbeat proves that a leader still leads',
    rule: 'dissertation, 6.4',
    profile: 'cluster',
    hunks: [
      {
        file: 'sim/raft/reads/read-index.ts',
        find: 'server.reads.answered(from, round);',
        put: 'server.reads.answered(from, server.reads.round);',
      },
    ],
  },
  {
    number: 222,
    name: 'who hears its leader takes part in an election all the same',
    rule: 'dissertation, 4.2.3',
    profile: 'cluster',
    hunks: [
      {
        file: 'sim/raft/elect/terms.ts',
        find: '  if (asksForVote && isLeaderRecent(server, message)) return false;\n',
        put: '  if (asksForVote && message.type === message.from && isLeaderRecent(server, message)) return false;\n',
      },
    ],
  },
  {
    number: 223,
    name: 'the members that a snapshot brings are not taken',
    rule: 'dissertation, 5.2',
    profile: 'cluster',
    hunks: [
      {
        file: 'sim/raft/replicate/durability.ts',
        find: '    server.configuration = decodeConfiguration(snapshot.conf);\n',
        put: '    decodeConfiguration(snapshot.conf);\n',
      },
    ],
  },
  {
    number: 224,
    name: 'a leader that was removed leads on',
    rule: 'dissertation, 4.2.2',
    profile: 'cluster',
    hunks: [
      {
        file: 'sim/raft/members/membership.ts',
        find: "if (server.role !== 'leader' || server.isVoter || !hasCommittedInTerm(server)) return;",
        put: "if (server.role !== 'leader' || server.peers.length > 0 || !hasCommittedInTerm(server)) return;",
      },
    ],
  },
  {
    number: 225,
    name: 'leadership is handed to who lacks entries',
    rule: 'dissertation, 3.10',
    profile: 'cluster',
    hunks: [
      {
        file: 'sim/raft/elect/transfer.ts',
        find: 'server.progress.get(to)?.match === server.log.lastIndex;',
        put: '(server.progress.get(to)?.match ?? 0) >= server.log.commit;',
      },
    ],
  },
  {
    number: 226,
    name: 'learners count for the quorum that a leader hears',
    rule: 'dissertation, 6.2',
    profile: 'cluster',
    hunks: [
      {
        file: 'sim/raft/elect/quorum-check.ts',
        find: 'const activeCount = server.configuration.voters.filter(',
        put: 'const activeCount = [server.id, ...server.peers].filter(',
      },
    ],
  },
  {
    number: 227,
    name: 'what was lost on its way is sent again only with what is new',
    rule: 'Raft, 5.3',
    profile: 'cluster',
    hunks: [
      {
        file: 'sim/raft/replicate/heartbeat.ts',
        find: "else if (progress.match < server.log.lastIndex || progress.state === 'probe') {",
        put: "else if (progress.state === 'probe') {",
      },
    ],
  },
  {
    number: 228,
    name: 'the first piece of a snapshot passes for all of it',
    rule: 'Raft, figure 13',
    profile: 'cluster',
    hunks: [
      {
        file: 'sim/raft/snapshots/snapshot-receiving.ts',
        find: '  if (isLast) {\n',
        put: '  if (isLast || data.length > 0) {\n',
      },
    ],
  },
  {
    number: 229,
    name: 'what a save under way promised stands, though cut off since',
    rule: 'Raft, 5.3',
    profile: 'cluster',
    hunks: [
      {
        file: 'sim/raft/host/save-queue.ts',
        find: '    for (const save of this.#inFlight) save.lastIndex = Math.min(save.lastIndex, lastIndex);\n',
        put: '',
      },
    ],
  },
  {
    number: 260,
    name: 'who lost its tail takes all that it still has for committed',
    rule: 'Raft, 5.3',
    profile: 'cluster',
    hunks: [
      {
        file: 'sim/raft/replicate/heartbeat.ts',
        find: 'Math.min(message.commit, log.lastIndex) : message.commit',
        put: 'log.lastIndex : message.commit',
      },
    ],
  },
  {
    number: 261,
    name: 'a snapshot that a full disk refused is offered once more, without its pieces',
    rule: 'D7',
    profile: 'cluster',
    hunks: [
      {
        file: 'sim/raft/host/save-queue.ts',
        find: '    this.#inFlight = [];\n    this.#snapshot = null;\n',
        put: '    this.#inFlight = [];\n',
      },
    ],
  },
];
