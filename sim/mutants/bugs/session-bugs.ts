import type { PlantedBug } from '../planted-bug.js';

/** What can go wrong between a log and its server when the network, or the server, is gone for a moment. */
export const SESSION_BUGS: readonly PlantedBug[] = [
  {
    number: 121,
    name: 'a save that is sent again is made again',
    rule: 'docs/grpc.md',
    profile: 'session',
    withoutMask: 'the check of what it follows',
    hunks: [
      {
        file: 'src/grpc/server/log-session.ts',
        find: `    if (number >= 1 && number <= this.#number)
      return this.#answers.get(number) ?? Promise.reject<Saved>(forgotten(number, this.#answered));
`,
        put: '    if (number >= 1 && number <= this.#number) return apply();\n',
      },
      {
        file: 'src/grpc/server/log-session.ts',
        find: '    if (followsLsn !== undefined && followsLsn !== lsn) throw doesNotFollow(followsLsn, lsn);\n',
        put: '',
      },
    ],
  },
  {
    number: 122,
    name: 'all that was sent is taken for saved when the server is there again',
    rule: 'docs/grpc.md',
    profile: 'session',
    withoutMask: 'a last look',
    hunks: [
      {
        file: 'src/grpc/client/remote-frames.ts',
        find: '      if (frame !== null && frame.lastLsn > state.lsn) break;\n',
        put: '',
      },
      {
        file: 'src/grpc/client/remote-frames.ts',
        find: `    if (this.#durableLsn !== state.lsn || !isSameLog(this.#durableState, durableStateOf(state)))
      throw unsettled(this.#link.parts.place, state.lsn, this.#durableLsn);
`,
        put: '',
      },
    ],
  },
];
