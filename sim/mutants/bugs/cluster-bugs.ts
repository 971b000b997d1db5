import type { Hunk, PlantedBug } from '../planted-bug.js';

/** Lets one kind of message leave without waiting for the save behind which it belongs. */
function notWaiting(type: 'vote-response' | 'append-response'): Hunk {
  return {
    file: 'sim/raft/replicate/send.ts',
    find: '  if (WAITS_FOR_SAVE[message.type]) ',
    put: `  const isEarly = message.type === '${type}' && message.to !== server.id;\n  if (WAITS_FOR_SAVE[message.type] && !isEarly) `,
  };
}

/** Bugs of a Raft on top of the store, planted in the reference Raft and in the loop around it. */
export const CLUSTER_BUGS: readonly PlantedBug[] = [
  {
    number: 32,
    name: 'vote sent before sync',
    rule: 'Raft, figure 2',
    profile: 'cluster',
    hunks: [notWaiting('vote-response')],
  },
  {
    number: 33,
    name: 'append acknowledged before sync',
    rule: 'Raft, figure 2',
    profile: 'cluster',
    hunks: [notWaiting('append-response')],
  },
  {
    number: 34,
    name: 'leader counts itself before its own sync',
    rule: 'Raft, 5.3',
    profile: 'cluster',
    hunks: [
      {
        file: 'sim/raft/replicate/replication.ts',
        find: "  send(server, { type: 'append-response', to: server.id, index, rejected: null });\n  own.sent(index, 0);\n",
        put: '  own.sent(index, 0);\n  own.acked(index);\n  if (advanceCommit(server)) server.isBroadcastDue = true;\n',
      },
      {
        file: 'sim/raft/replicate/replication.ts',
        find: "import { send } from './send.js';",
        put: "import { advanceCommit } from './commit.js';\nimport { send } from './send.js';",
      },
    ],
  },
  {
    number: 35,
    name: 'old AppendEntries cuts a matching suffix',
    rule: 'Raft, figure 2',
    profile: 'cluster',
    hunks: [
      {
        file: 'sim/raft/replicate/log-view.ts',
        find: '(entry) => !this.matches(entry.index, entry.term)',
        put: '(entry) => entry.index > this.#commit',
      },
    ],
  },
  {
    number: 36,
    name: 'snapshot acknowledged before it is durable',
    rule: 'Raft, figure 13',
    profile: 'cluster',
    hunks: [
      {
        file: 'sim/raft/snapshots/snapshot-receiving.ts',
        find: "    send(server, { type: 'append-response', to: from, index: snapshot.index, rejected: null });",
        put: "    const { term, id } = server;\n    const early = { type: 'append-response', term, from: id, to: from, index: snapshot.index, rejected: null } as const;\n    server.outbox.messages.push(early);",
      },
    ],
  },
  {
    number: 37,
    name: 'applied before committed',
    rule: 'Raft, 5.3',
    profile: 'cluster',
    hunks: [
      {
        file: 'sim/raft/host/ready.ts',
        find: 'Math.min(log.commit, log.durableIndex)',
        put: 'log.durableIndex',
      },
    ],
  },
  {
    number: 38,
    name: 'a node that lost its tail keeps voting',
    rule: 'unfit to vote',
    profile: 'cluster',
    withoutMask: 'the interlock of the store, which refuses such a vote',
    hunks: [
      {
        file: 'sim/raft/elect/election.ts',
        find: ' && !server.options.storage.unfitToVote;',
        put: ';',
      },
      {
        file: 'sim/raft/elect/pre-vote.ts',
        find: ' && !server.options.storage.unfitToVote;',
        put: ';',
      },
      {
        file: 'src/raft-log/rules/judge-hard-state.ts',
        find: 'before.commit < view.unfitUntil',
        put: 'before.commit < 0',
      },
    ],
  },
  {
    number: 72,
    name: 'entries of an older term committed by counting (figure 8)',
    rule: 'Raft, 5.4.2',
    profile: 'cluster',
    hunks: [
      {
        file: 'sim/raft/replicate/commit.ts',
        find: 'if (index <= log.commit || !log.matches(index, server.term)) return false;',
        put: 'if (index <= log.commit) return false;',
      },
    ],
  },
  {
    number: 73,
    name: 'a campaign with committed changes of members not yet applied',
    rule: 'dissertation, 4.1',
    profile: 'cluster',
    hunks: [
      {
        file: 'sim/raft/elect/campaign.ts',
        find: "  if (server.applying.applied < server.log.commit) return 'it has committed entries to apply';\n",
        put: '',
      },
    ],
  },
  {
    number: 74,
    name: 'a second change of members before the first is committed',
    rule: 'dissertation, 4.1',
    profile: 'cluster',
    hunks: [
      {
        file: 'sim/raft/members/membership.ts',
        find: "  if (server.configurationPendingIndex > server.applying.applied) return 'change-pending';\n",
        put: '',
      },
    ],
  },
  {
    number: 75,
    name: 'a read answered without a round of the quorum',
    rule: 'dissertation, 6.4',
    profile: 'cluster',
    hunks: [
      {
        file: 'sim/raft/reads/read-index.ts',
        find: 'server.reads.takeProven(proven)',
        put: 'server.reads.takeProven(Math.max(proven, server.reads.round))',
      },
    ],
  },
  {
    number: 39,
    name: 'a node with a failed store goes on acknowledging from memory',
    rule: 'D5',
    profile: 'cluster',
    hunks: [
      {
        file: 'sim/raft/host/raft-driver.ts',
        find: '          this.#saveFailed(save, error);\n',
        put: `          if (isKeelsonError(error, 'KEELSON_NO_SPACE')) this.#saveFailed(save, error);
          else {
            host.send(messagesAfterSave);
            if (this.isRunning) this.#parts.raft.persisted(save.id);
          }
`,
      },
    ],
  },
];
