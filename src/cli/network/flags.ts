import { UsageError } from '../exit.js';

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
  if (text === '') throw new UsageError(`--${flag} is empty.`);
  return typeof text === 'string' ? text : undefined;
}
