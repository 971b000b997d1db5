import { checkRecord, invalidArgument, isWellFormed, readBytes } from '../../errors/arguments.js';
import { KeelsonError } from '../../errors/index.js';
import { sameBytes } from '../../format/identity.js';
import { LIMITS } from '../../format/limits.js';
import { withChange, type StableChange } from '../../format/stable-values.js';

/** Reads changes of small values: `KEELSON_INVALID_ARGUMENT` names the key that is wrong. Values are copies. */
export function readStable(argument: string, changes: unknown): StableChange {
  checkRecord(argument, changes);
  const given = new Map<string, Uint8Array | null>();
  for (const key of Object.keys(changes)) {
    checkKey(argument, key);
    const value = changes[key];
    const name = `${argument}[${JSON.stringify(key)}]`;
    given.set(key, value === null ? null : readBytes(name, value).slice());
  }
  return given;
}

function checkKey(argument: string, key: string): void {
  const isShort = key.length > 0 && Buffer.byteLength(key, 'utf8') <= LIMITS.stableKeyBytesMax;
  if (isShort && isWellFormed(key)) return;
  const expected = `keys of 1..${String(LIMITS.stableKeyBytesMax)} bytes of UTF-8, without lone surrogates`;
  throw invalidArgument(`a key of ${argument}`, key, expected);
}

/**
 * What of the changes changes anything. All that is held after them is held against the limits, whatever they drop: what was
 * accepted is read back from every preamble (D9).
 *
 * @throws `KEELSON_TOO_LARGE`
 */
export function judgeStable(held: ReadonlyMap<string, Uint8Array>, given: StableChange): StableChange {
  const change = new Map<string, Uint8Array | null>();
  for (const [key, value] of given) if (!isHeld(held.get(key), value)) change.set(key, value);
  if (change.size === 0) return change;
  const after = withChange(held, change);
  checkSum('keys', after.size, LIMITS.stableKeysMax);
  let bytes = 0;
  for (const [key, value] of after) bytes += Buffer.byteLength(key, 'utf8') + value.length;
  checkSum('bytes of keys and values', bytes, LIMITS.stableBytesMax);
  return change;
}

function isHeld(held: Uint8Array | undefined, value: Uint8Array | null): boolean {
  return value === null ? held === undefined : held !== undefined && sameBytes(held, value);
}

function checkSum(what: string, found: number, expected: number): void {
  if (found <= expected) return;
  throw new KeelsonError(
    'KEELSON_TOO_LARGE',
    `stable would hold ${String(found)} ${what}, at most ${String(expected)} are kept; nothing was changed. Drop some (null), or keep what is larger in entries or a snapshot.`,
    { argument: 'stable', found, expected },
  );
}
