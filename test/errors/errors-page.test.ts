/**
 * An operator searches docs/errors.md for the message in front of them; a page that shows another one, or none, leaves
 * them alone. Each error is brought about, and its message held against the block below the code's heading.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ERROR_FAMILIES, type ErrorCode } from '../../src/errors/index.js';
import { play } from './scenes.js';

const PAGE = join(import.meta.dirname, '../../docs/errors.md');
const codes = Object.keys(ERROR_FAMILIES) as ErrorCode[];

/** What stands below the heading of a code, up to the next heading. */
function sectionOf(page: string, code: ErrorCode): string {
  const from = page.indexOf(`\n### ${code}\n`);
  if (from < 0) throw new Error(`docs/errors.md has no heading ${code}`);
  const rest = page.slice(from + code.length + 6);
  const next = /\n##+ /.exec(rest);
  return next === null ? rest : rest.slice(0, next.index);
}

function messageIn(section: string): string | null {
  return /^```text\n(.*?)\n```$/ms.exec(section)?.[1] ?? null;
}

/** `KEELSON_WRITE_DOCS=1` puts the messages as they are now onto the page; read them as an operator would. */
function writeMessage(code: ErrorCode, message: string): void {
  const page = readFileSync(PAGE, 'utf8');
  const section = sectionOf(page, code);
  const block = `\`\`\`text\n${message}\n\`\`\``;
  const shown = messageIn(section);
  const written =
    shown === null
      ? `${section.trimEnd()}\n\n${block}\n`
      : section.replace(`\`\`\`text\n${shown}\n\`\`\``, () => block);
  writeFileSync(
    PAGE,
    page.replace(section, () => written),
  );
}

describe('docs/errors.md', () => {
  test('has a heading for each code, and for no other', () => {
    const headings = [...readFileSync(PAGE, 'utf8').matchAll(/^### (.*)$/gm)].map(([, heading]) => heading);
    expect(headings.sort()).toEqual([...codes].sort());
  });

  test.each(codes)('shows the message of %s', async (code) => {
    const { message, family } = await play(code);
    expect(family).toBe(ERROR_FAMILIES[code]);
    if (process.env['KEELSON_WRITE_DOCS'] === '1') writeMessage(code, message);
    const page = readFileSync(PAGE, 'utf8');
    expect(messageIn(sectionOf(page, code))).toBe(message);
    const above = page.slice(0, page.indexOf(`\n### ${code}\n`));
    expect([...above.matchAll(/^## Family: (\w+)$/gm)].at(-1)?.[1]).toBe(family);
  });
});
