import { openRaftLog } from '../../src/index.js';

const log = await openRaftLog({ dir: 'raft-log' });
console.log(
  `${log.recovery.verdict}: entries ${log.firstIndex}..${log.lastIndex}, term ${log.hardState.term}`,
);

// A vote and two entries in one atomic write. When it resolves, all of it is on stable storage.
const [first, second] = [log.lastIndex + 1, log.lastIndex + 2];
const { lastIndex } = await log.save({
  hardState: { term: 1, vote: 'node-2' },
  entries: [
    { index: first, term: 1, data: Buffer.from('color=blue') },
    { index: second, term: 1, data: Buffer.from('shape=round') },
  ],
});
await log.setHardState({ commit: lastIndex });
for (const entry of await log.entries(first, lastIndex + 1)) console.log(entry.index, entry.data.length);

// What is committed and applied goes into a snapshot; then the entries below it may go.
await log.createSnapshot({
  index: second,
  conf: Buffer.from('node-1 node-2'),
  data: Buffer.from('blue round'),
});
await log.compact(first);
await log.close();
