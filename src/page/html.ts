import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { STYLE } from './style.js';

/** Text that is HTML already: only {@link markup} makes it, of parts that it has escaped. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Part = string | number | Html | null | readonly Part[];

/** HTML of a template; what stands in it is text, escaped, unless it is HTML itself. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.map((string, at) => string + textOf(parts[at] ?? null)).join(''));
}

function textOf(part: Part): string {
  if (part === null) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'string' || typeof part === 'number') return escaped(plain(String(part)));
  return part.map(textOf).join('');
}

/** Safe between tags and in an attribute with quotes. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${String(sign.charCodeAt(0))};`);
}

/**
 * What a store holds may be anything: signs that steer a terminal or turn the direction of a line are shown as the
 * pictures of themselves, or as a sign that cannot be read.
 */
export function plain(text: string): string {
  return text
    .replace(/(?![\t\n])\p{Cc}/gu, (sign) =>
      sign < ' ' ? String.fromCharCode(0x2400 + sign.charCodeAt(0)) : '\ufffd',
    )
    .replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/gu, '\ufffd');
}

export interface Page {
  readonly title: string;
  readonly body: Html;
  /** What the script reads; only plain data. */
  readonly data?: object;
  /** The script of the page, a file beside the module that asks. */
  readonly script?: URL;
}

/**
 * A page that is one file: nothing in it is fetched, and of scripts only its own runs, whatever stands in the values
 * that it shows.
 */
export function pageOf({ title, body, data = {}, script }: Page): string {
  const common = new URL('./dom.browser.js', import.meta.url);
  const code = (script === undefined ? [] : [common, script])
    .map((file) => readFileSync(file, 'utf8'))
    .join('');
  const hash = createHash('sha256').update(code).digest('base64');
  // In JSON a "<" stands in texts alone: written so, no text can end the element.
  const json = JSON.stringify(data, plainly).replaceAll('<', '\\u003c');
  const scripts = `<script type="application/json" id="data">${json}</script><script>${code}</script>`;
  const head = markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${hash}'">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
${body}
`;
  return `${head.text}${scripts}\n</body>\n</html>\n`;
}

function plainly(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? plain(value) : value;
}
