import type { RaftLog } from '../../src/raft-log/contract.js';
import { type Configuration, decodeConfiguration, Raft, storageOf } from '../raft/index.js';
import type { Random } from '../world/random.js';
import type { RaftTuning } from './cluster-plan.js';
import type { RegisterState } from './register-state.js';

/** A Raft made anew from what its log holds, as docs/plugging-in.md says it. */
export function raftOn(
  log: RaftLog,
  id: string,
  first: Configuration,
  tuning: RaftTuning,
  random: Random,
): Raft {
  const { snapshot } = log;
  return new Raft({
    ...tuning,
    id,
    storage: storageOf(log),
    random: () => random.fraction(),
    configuration: snapshot === null ? first : decodeConfiguration(snapshot.conf),
    appliedIndex: snapshot?.index ?? 0,
  });
}

/** Puts a state machine to the newest snapshot of a log, if there is one. */
export async function restore(log: RaftLog, state: RegisterState): Promise<void> {
  const opened = await log.openSnapshot();
  if (opened === null) return;
  const chunks: Uint8Array[] = [];
  for await (const chunk of opened.data) chunks.push(chunk);
  state.restore(Buffer.concat(chunks));
}
