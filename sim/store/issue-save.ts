import { isKeelsonError, KeelsonError } from '../../src/errors/index.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import type { IssuedState } from '../oracle/allowed-states.js';
import { applySave, type ModelSave } from '../oracle/apply-save.js';
import { describeState } from '../oracle/describe-state.js';
import { Finding } from '../oracle/finding.js';
import { segmentName, superblockName } from '../oracle/order-watch.js';
import { checkRefused } from '../oracle/tail-on-platter.js';
import { lastIndexOf } from '../oracle/log-state.js';
import type { SaveOp } from '../plan/plan.js';
import { makeSave, requestOf } from './make-save.js';
import type { Scene } from './scene.js';

/** As {@link issueSave}, of a save that a plan draws, behind all that was issued before. */
export function issueDrawn(scene: Scene, op: SaveOp, seed: number, isAlone = false): Promise<void> {
  const { state } = scene.allowed.newest;
  return issueSave(scene, makeSave(op, state, seed, scene.plan.config.batchBytesMax), isAlone);
}

/**
 * Hands a save to the log and tells the allowed set of it: what it leads to before, its fate when it is known.
 * Resolves then; what is wrong is kept in the scene. Never rejects.
 *
 * @param isAlone no save is queued before it, with which it would fail (D7)
 */
export function issueSave(scene: Scene, save: ModelSave, isAlone = false): Promise<void> {
  const { allowed } = scene;
  const log = scene.openLog;
  const before = allowed.newest;
  const outcome = applySave(before.state, save);
  const { request, scribble } = requestOf(save);
  const wasFailed = log.status === 'failed';
  if (outcome.refused !== null || wasFailed) {
    const code = wasFailed ? 'KEELSON_FAILED' : (outcome.refused ?? '');
    const saving = log.save(request);
    return saving.then(
      () => scene.found(shouldHaveBeenRefused(scene, code)),
      (error: unknown) => {
        if (!isKeelsonError(error) || error.code !== code)
          scene.found(new Finding({ ...refusal(scene, error), expected: [`a refusal with ${code}`] }));
        else if (!wasFailed) scene.reach['refused-by-interlock'] += 1;
      },
    );
  }
  if (save.mayFail === undefined) allowed.noteEntries(save.entries ?? []);
  const issued = outcome.isEmpty ? before : allowed.issue(outcome.state, scene.by);
  tellSave(scene, 'save', issued, `${scene.by} saves`, save.entries);
  const isControl = !outcome.isEmpty && (save.entries?.length ?? 0) === 0;
  const isReserved = isControl && scene.noteControl(valueBytes(save)) && isAlone;
  const haveEntries = outcome.isEmpty || isControl ? null : scene.noteEntries();
  const saving = log.save(request);
  scribble();
  return saving.then(
    ({ lsn, lastIndex }) => {
      acknowledged(scene, issued);
      haveEntries?.();
      noteSaved(scene, save, before, issued);
      const expected = lastIndexOf(issued.state);
      const records = issued === before ? 0 : Math.max(1, expected - lastIndexOf(before.state));
      scene.noteLsn(log, lsn, records);
      if (lastIndex === expected) return;
      const what = `${scene.by} resolved to lastIndex ${lastIndex}, expected ${expected}`;
      scene.found(new Finding({ oracle: 'acknowledgement', what }));
    },
    (error: unknown) => {
      if (save.mayFail !== undefined && isKeelsonError(error, save.mayFail)) {
        scene.reach['mismatch-refused'] += 1;
        return;
      }
      // One that left the log as it was, in front of a new segment, says that nothing of the save exists.
      if (isKeelsonError(error, 'KEELSON_READ_FAILED') && log.status === 'failed')
        scene.found(withoutFate(scene, error));
      saveFailed(scene, log, outcome.isEmpty ? null : issued, error, isReserved);
    },
  );
}

/** Of the small values, with what says of each how long it is and its key. */
function valueBytes({ stable = new Map() }: ModelSave): number {
  let bytes = 0;
  for (const [key, value] of stable) bytes += 8 + key.length + (value?.length ?? 0);
  return bytes;
}

/** For who draws the run. */
function tellSave(
  { disk: { trace } }: Scene,
  kind: 'save' | 'saved' | 'refused',
  issued: IssuedState,
  what: string,
  entries: ModelSave['entries'] = [],
): void {
  if (!trace.keepsLines) return;
  const { state } = issued;
  const from = entries[0]?.index;
  const until = from === undefined ? undefined : from + entries.length;
  const about = { kind, of: issued, term: state.hardState.term, from, until };
  trace.line(`-- ${what}: ${describeState(state)}`, about);
}

function noteSaved(scene: Scene, save: ModelSave, before: IssuedState, issued: IssuedState): void {
  const { reach } = scene;
  reach.saved += 1;
  const cuts = lastIndexOf(before.state) >= (save.entries?.[0]?.index ?? Infinity);
  if (cuts && issued !== before) reach['cut-by-conflict'] += 1;
  if (save.truncateFrom !== undefined && issued !== before) reach.truncated += 1;
  if (scene.isFull && save.hardState !== undefined && save.entries === undefined)
    reach['voted-on-full-disk'] += 1;
}

/** An acknowledgement, which may be of a store that was replaced: then it is a finding. */
export function acknowledged(scene: Scene, issued: IssuedState): void {
  tellSave(scene, 'saved', issued, `${issued.by} acknowledged`);
  try {
    scene.allowed.acknowledge(issued);
  } catch (error) {
    scene.found(error);
  }
}

/** Judges the failure of what was issued, and tells the allowed set what the contract says of its fate. */
export function saveFailed(
  scene: Scene,
  log: RaftLog,
  issued: IssuedState | null,
  error: unknown,
  isReserved: boolean,
): void {
  const { allowed } = scene;
  const finding = judgeFailure(scene, error, isReserved);
  const unheard = scene.heard.get(log)?.whyUnheard(error) ?? null;
  if (unheard !== null) scene.found(unheard);
  if (finding !== null) scene.found(finding);
  if (issued === null) return;
  tellSave(scene, 'refused', issued, `${issued.by} failed: ${String(error)}`);
  const isKnown =
    !(error instanceof KeelsonError) || error.code === 'KEELSON_NO_SPACE' || error.family === 'caller';
  // A log that did not latch goes on from what was before: so must the allowed set.
  if (!isKnown && log.status === 'failed') return;
  try {
    allowed.refuse(issued);
  } catch (refused) {
    scene.found(refused);
  }
}

/**
 * Why an operation that the contract allows may not have failed like this; null if it may.
 *
 * @param isReserved the disk is full, and it needs no room but the reserve, of which there is enough (D7)
 */
export function judgeFailure(scene: Scene, error: unknown, isReserved: boolean): Finding | null {
  if (!(error instanceof KeelsonError)) {
    return new Finding({
      oracle: 'error-type',
      what: `${scene.by} failed with ${String(error)}`,
      cause: error,
    });
  }
  const { reach } = scene;
  switch (error.family) {
    case 'caller':
      if (error.code === 'KEELSON_QUEUE_FULL' && scene.plan.config.queueBytesMax !== undefined) {
        reach['queue-full'] += 1;
        return null;
      }
      return new Finding({ ...refusal(scene, error), expected: ['the operation is allowed'] });
    case 'damage':
      reach['damage-named-by-read'] += 1;
      return scene.isDamaged ? null : falseAlarm(scene, error);
    case 'environment':
      return judgeEnvironment(scene, error, isReserved);
  }
}

function judgeEnvironment(scene: Scene, error: KeelsonError, isReserved: boolean): Finding | null {
  const { reach } = scene;
  if (error.code === 'KEELSON_NO_SPACE') {
    reach['no-space'] += 1;
    if (scene.isFull) {
      if (!isReserved || scene.hasCause || scene.lacksRoomForCopies) return null;
      const what = `${scene.by} needs no room beyond the reserve, and failed: ${error.message}`;
      return new Finding({ oracle: 'full-disk', what, cause: error });
    }
    if (scene.hadNoRoom && error.details.path?.endsWith('.spare') === true) return null;
  }
  if (error.code === 'KEELSON_SYNC_FAILED') reach['latched-by-sync'] += 1;
  if (error.code === 'KEELSON_WRITE_FAILED') reach['latched-by-write'] += 1;
  if (error.code === 'KEELSON_READ_FAILED') reach['latched-by-read'] += 1;
  if (error.code === 'KEELSON_FENCED') {
    reach.fenced += 1;
    if (scene.other !== null) return null;
  }
  // Bytes landed for which there is no room to be zeroed: what they came to, only a reopening can tell.
  if (error.code === 'KEELSON_WRITE_FAILED' && scene.wasCutShort) return null;
  if (scene.hasCause || scene.hasLostLock || error.code === 'KEELSON_FAILED') return null;
  return withoutCause(scene, error);
}

/** Of a save whose fate is unknown a leader steps down: it must be told so, whatever call it was that failed. */
function withoutFate(scene: Scene, error: KeelsonError): Finding {
  const what = `a save in ${scene.by} failed with ${error.code}, which does not say what became of it: ${error.message}`;
  return new Finding({ oracle: 'error-type', what, cause: error });
}

/** D4: what was refused for want of room has left nothing, while the log goes on. */
export function checkLeftAsItWas(scene: Scene): void {
  const { log, disk, walDir, by } = scene;
  const heard = log === null ? undefined : scene.heard.get(log);
  if (heard?.takeShortages() !== true || log?.status !== 'open') return;
  if (scene.isDamaged || scene.hasLostLock || scene.other !== null || scene.replaced !== null) return;
  checkRefused(disk, walDir, heard.lastLsn, by);
}

/** D5, D7: a log fails only for what a disk did to it; a refusal for want of room leaves it open. */
export function checkLatch(scene: Scene): void {
  if (scene.log?.status !== 'failed' || scene.hasCause || scene.hasLostLock || scene.wasCutShort) return;
  const what = `behind ${scene.by} the log has failed, though no call was made to fail`;
  throw new Finding({ oracle: 'failed-without-cause', what });
}

/** D5: where the sync of a file failed that holds what was acknowledged, the log takes nothing more. */
export function checkFailedSyncs(scene: Scene): void {
  const { log, disk, dir, walDir, faults } = scene;
  if (log === null || log.status === 'failed' || scene.hasLostLock || scene.other !== null) return;
  for (const ino of faults.suffered.failedSyncs) {
    const name = segmentName(disk.fs, walDir, ino) ?? superblockName(disk.fs, dir, ino);
    if (name === null) continue;
    const what = `behind ${scene.by} the log goes on, though a sync of ${name} has failed`;
    throw new Finding({ oracle: 'not-latched', what });
  }
}

export function falseAlarm(scene: Scene, error: KeelsonError): Finding {
  const what = `${scene.by} reports damage, though nothing was damaged: ${error.message}`;
  return new Finding({ oracle: 'false-alarm', what, found: error.code, cause: error });
}

export function withoutCause(scene: Scene, error: KeelsonError): Finding {
  const what = `${scene.by} failed, though no call was made to fail: ${error.code}: ${error.message}`;
  return new Finding({ oracle: 'failed-without-cause', what, cause: error });
}

function refusal(scene: Scene, error: unknown): ConstructorParameters<typeof Finding>[0] {
  const found = error instanceof KeelsonError ? `${error.code}: ${error.message}` : String(error);
  const state = describeState(scene.allowed.newest.state);
  return { oracle: 'refusal', what: `${scene.by} was refused, in the state ${state}`, found, cause: error };
}

function shouldHaveBeenRefused(scene: Scene, code: string): Finding {
  const what = `${scene.by} was let pass, in the state ${describeState(scene.allowed.newest.state)}`;
  return new Finding({ oracle: 'refusal', what, expected: [`a refusal with ${code}`] });
}
