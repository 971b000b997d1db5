import { invalidArgument } from '../../errors/arguments.js';
import { KeelsonError } from '../../errors/index.js';

/** What a session that does not have the log, or has it no more, is told: before a byte of its change is written. */
export function fencedError(name: string, found: number, expected: number): KeelsonError {
  const who = expected === 0 ? 'no session has it' : `a session of epoch ${expected} has it`;
  return new KeelsonError(
    'KEELSON_FENCED',
    `the log ${name} is not this session's, of epoch ${found}: ${who}. Nothing of this call was written. Open it anew; a leader steps down.`,
    { argument: 'session', found, expected, fate: 'not-persisted' },
  );
}

/** What a session is told whose log another one has taken. */
export function takenOverError(name: string, epoch: number): KeelsonError {
  return new KeelsonError(
    'KEELSON_FENCED',
    `the log ${name} was taken over from this session, of epoch ${epoch}. Changes without an answer may be in it. Open it anew; a leader steps down.`,
    { argument: 'session', found: epoch },
  );
}

/** What an Open is told that does not take over. */
export function attachedError(name: string, epoch: number): KeelsonError {
  return new KeelsonError(
    'KEELSON_LOCKED',
    `the log ${name} has a session, of epoch ${epoch}; nothing was changed. Close that one first, or take over from it if it is gone.`,
    { argument: 'name', found: epoch },
  );
}

/** What an operator's compaction is told while a writer has the log. */
export function ownersAffair(name: string, epoch: number): KeelsonError {
  return new KeelsonError(
    'KEELSON_LOCKED',
    `the log ${name} has a session, of epoch ${epoch}, whose affair its compaction is; nothing was changed. Compact it there, or when that one has ended.`,
    { argument: 'name', found: epoch },
  );
}

/** The server ends, or the log of the session was closed. */
export function endedError(name: string): KeelsonError {
  return new KeelsonError('KEELSON_CLOSED', `the session of the log ${name} has ended. Open it anew.`, {
    argument: 'session',
    fate: 'not-persisted',
  });
}

/** A change whose number leaves a gap. */
export function outOfOrder(found: number, expected: number): KeelsonError {
  return invalidArgument('change.number', found, `${expected}, the next of its session`);
}

/** A change that was sent again after its answer was said to have come. */
export function forgotten(found: number, kept: number): KeelsonError {
  return invalidArgument('change.number', found, `a number above ${kept}, up to which answers have come`);
}

/** A change that was sent behind one that has failed. */
export function doesNotFollow(found: number, expected: number): KeelsonError {
  return new KeelsonError(
    'KEELSON_INVALID_ARGUMENT',
    `change.follows_lsn is ${found}, but the log stands at ${expected}: a change before this one was refused; nothing was changed. Send it again behind what there is.`,
    { argument: 'change.follows_lsn', lsn: expected, found, expected, fate: 'not-persisted' },
  );
}

/** A stream of a session, or of an upload, with which a newer one goes on. */
export function superseded(argument: 'session' | 'upload'): KeelsonError {
  return new KeelsonError('KEELSON_ABORTED', `a newer stream goes on with this ${argument}.`, { argument });
}

/** A server that was not told where its checkpoints go: no client says where it writes. */
export function noCheckpoints(): KeelsonError {
  return new KeelsonError(
    'KEELSON_UNAVAILABLE',
    'this server was started without a directory for checkpoints; nothing was made. Start it with --checkpoints DIR.',
    { argument: 'checkpoints' },
  );
}

/** More of something than the server has room for. */
export function tooMany(what: string, expected: number): KeelsonError {
  return new KeelsonError(
    'KEELSON_QUEUE_FULL',
    `the server has ${expected} ${what} already, which is all it takes; nothing was changed. Try again later.`,
    { expected, fate: 'not-persisted' },
  );
}
