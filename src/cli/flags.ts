import type { CheckpointScope } from '../raft-log/copies/copies-contract.js';
import { UsageError } from './exit.js';

/** The values of flags as Node read them. */
export type FlagValues = Readonly<Record<string, string | boolean | undefined>>;

/** A whole number behind a flag; undefined if it was not given. */
export function numberFlag(values: FlagValues, flag: string): number | undefined {
  const text = values[flag];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/u.test(String(text)) && Number.isSafeInteger(value)) return value;
  throw new UsageError(`--${flag} is '${String(text)}', expected a whole number.`);
}

/** A path or a name behind a flag, likewise. */
export function textFlag(values: FlagValues, flag: string): string | undefined {
  const text = values[flag];
  if (text === '') throw new UsageError(`--${flag} is empty, expected a path or a name.`);
  return typeof text === 'string' ? text : undefined;
}

/** One of a few words behind a flag; `otherwise` where it was left out, which must not be if that is null. */
export function wordFlag<const T extends string>(
  values: FlagValues,
  flag: string,
  allowed: readonly T[],
  otherwise: NoInfer<T> | null,
): T {
  const text = values[flag];
  const found = text === undefined ? otherwise : allowed.find((one) => one === text);
  if (found !== undefined && found !== null) return found;
  const choice = `${allowed.slice(0, -1).join(', ')} or ${allowed.at(-1) ?? ''}`;
  throw new UsageError(
    text === undefined
      ? `--${flag} is needed: ${choice}.`
      : `--${flag} is '${String(text)}', expected ${choice}.`,
  );
}

/** How the bytes of a dump are shown. */
export type DataForm = 'base64' | 'hex' | 'utf8' | 'none';

export function dataForm(values: FlagValues): DataForm {
  return wordFlag(values, 'data', ['base64', 'hex', 'utf8', 'none'], 'base64');
}

/** How much a checkpoint holds. */
export function scopeOf(values: FlagValues): CheckpointScope {
  return wordFlag(values, 'scope', ['durable', 'all'], 'durable');
}
