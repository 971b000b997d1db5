import { quoted } from '../page/quoted.js';
import type { HardState } from '../raft-log/contract.js';
import type { FoundDamage } from '../raft-log/verify-report.js';
import type { IndexRange } from '../wal/report/recovery-report.js';

/** What a terminal shows at least; longer is only what must stay whole to be copied: paths and commands. */
export const COLUMNS = 80;

/** How a line is shown where colours are. */
export type Style = 'green' | 'red' | 'yellow';

/** A line of an answer. */
export type Line = string | { readonly text: string; readonly style: Style };

/** `1 segment`, `2 segments`, `0 entries` */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `4 KiB`, `1.5 GiB` */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = Number.isInteger(value) || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit] ?? ''}`;
}

/** `7..9`, or `-` */
export function rangeText({ from, until }: IndexRange): string {
  if (until <= from) return '-';
  return until === from + 1 ? String(from) : `${from}..${until - 1}`;
}

/** `entries 7..9`, `entry 7`: a lone number would be read as how many there are. */
export function entriesText(range: IndexRange): string {
  if (range.until <= range.from) return 'no entries';
  return `${range.until === range.from + 1 ? 'entry' : 'entries'} ${rangeText(range)}`;
}

/** Whether a server may vote. */
export function fitnessText(unfitUntil: number, commit: number): string {
  if (unfitUntil <= commit) return 'yes';
  if (unfitUntil === Infinity) return 'NO, never again: let it join under a new member id';
  return `NO, until commit reaches ${unfitUntil}`;
}

/** Which entries are held; null is what cannot be read. */
interface Held {
  readonly firstIndex: number | null;
  readonly lastIndex: number | null;
  readonly lastTerm: number | null;
  readonly readableFrom: number | null;
}

/** `31..60, 30 in all, last term 3` */
export function heldText({ firstIndex, lastIndex, lastTerm, readableFrom }: Held): string {
  if (firstIndex === null || lastIndex === null || readableFrom === null) return 'none readable';
  if (lastIndex < firstIndex)
    return `none${lastIndex === 0 ? ' yet' : ''}, the next has index ${lastIndex + 1}`;
  if (readableFrom > firstIndex) {
    const range = rangeText({ from: readableFrom, until: lastIndex + 1 });
    return `${firstIndex}..${lastIndex}, of which ${range} can be read, last term ${lastTerm ?? 0}`;
  }
  const count = lastIndex - firstIndex + 1;
  const which = count === 1 ? `index ${lastIndex} alone` : `${firstIndex}..${lastIndex}, ${count} in all`;
  return `${which}, last term ${lastTerm ?? 0}`;
}

/** Term, vote and commit in words. */
export function hardStateText({ term, vote, commit }: HardState): string {
  return `term ${term}, vote ${vote === null ? 'none' : JSON.stringify(vote)}, commit ${commit}`;
}

/** Index and term of a snapshot, if there is one. */
export function snapshotText(snapshot: { readonly index: number; readonly term: number } | null): string {
  return snapshot === null ? 'none' : `index ${snapshot.index}, term ${snapshot.term}`;
}

/** Words in lines of at most `columns`, each but the first behind `indent` blanks. What has no blank in it stays whole. */
export function wrapped(text: string, indent = 0, columns: number = COLUMNS): readonly string[] {
  const lines: string[] = [];
  const [first = '', ...words] = text.trimStart().split(' ');
  let line = ' '.repeat(text.length - text.trimStart().length) + first;
  for (const word of words) {
    if (line.length + 1 + word.length > columns) {
      lines.push(line.trimEnd());
      line = ' '.repeat(indent) + word;
    } else line += ` ${word}`;
  }
  return [...lines, line.trimEnd()];
}

/** A fact with its name in front, as wide as the others. */
export function factText(name: string, value: string, nameWidth: number): readonly string[] {
  return wrapped(`${name.padEnd(nameWidth)} ${value}`, nameWidth + 1);
}

/** What is said of something, by name. */
export type Facts = readonly (readonly [name: string, value: string])[];

/** Facts one below the other, their names as wide as said. */
export function factsText(facts: Facts, nameWidth: number): readonly string[] {
  return facts.flatMap(([name, value]) => factText(name, value, nameWidth));
}

/** A command to be copied into a shell. */
export function commandText(command: string, dir: string, walDir: string | null, flags = ''): string {
  const where = walDir === null ? quoted(dir) : `${quoted(dir)} --wal-dir ${quoted(walDir)}`;
  return `keelson ${command} ${where}${flags === '' ? '' : ` ${flags}`}`;
}

/** Rows of a table with its columns aligned; numbers to the right. */
export function tableOf(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): readonly string[] {
  const all = [head, ...rows.map((row) => row.map(String))];
  const columns = head.map((_, at) => ({
    isNumber: rows.every((row) => typeof row[at] === 'number'),
    width: all.reduce((width, row) => Math.max(width, (row[at] ?? '').length), 0),
  }));
  return all.map((row) =>
    row
      .map((cell, at) => {
        const { isNumber = false, width = 0 } = columns[at] ?? {};
        return isNumber ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}

/** A damage as an operator reads it: where, what, and which entries. */
export function damageText(damage: FoundDamage): readonly Line[] {
  const { code, path, offset, reason, entries, intact, canOpen } = damage;
  const sentences = [
    reason,
    entries.until > entries.from ? `cannot be read: ${entriesText(entries)}` : '',
    intact.length > 0 ? `whole behind them: entries ${intact.map(rangeText).join(', ')}` : '',
    canOpen ? 'a server opens the store all the same' : 'a server does not open the store',
  ];
  return [
    { text: code, style: 'red' },
    ...placeText(path, offset),
    ...sentences.flatMap((sentence) => (sentence === '' ? [] : indented(sentence))),
  ];
}

/** Something that is not as it was written, but of which there is a second witness. */
export function noteText({
  path,
  offset,
  reason,
}: Pick<FoundDamage, 'path' | 'offset' | 'reason'>): readonly Line[] {
  return [{ text: 'note', style: 'yellow' }, ...placeText(path, offset), ...indented(reason)];
}

/** The path ends its line, and stays whole. */
function placeText(path: string, offset: number): readonly string[] {
  return [`    ${path}`, ...(offset > 0 ? [`    at byte ${offset}`] : [])];
}

function indented(text: string): readonly string[] {
  return wrapped(`    ${text}`, 4);
}
