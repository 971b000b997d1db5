import { parseHTML } from 'linkedom';

/** A page as a browser takes it apart, and the data that its script reads. */
export interface Parsed {
  readonly text: string;
  count(selector: string): number;
  textOf(selector: string): string;
  readonly data: unknown;
}

/** Reads a page, without running anything of it. */
export function parsed(page: string): Parsed {
  const { document } = parseHTML(page) as unknown as { document: Tree };
  return {
    text: document.body.textContent,
    count: (selector) => document.querySelectorAll(selector).length,
    textOf: (selector) => document.querySelector(selector)?.textContent ?? '',
    data: JSON.parse(document.querySelector('#data')?.textContent ?? 'null'),
  };
}

interface Tree {
  readonly body: { readonly textContent: string };
  querySelector(selector: string): { readonly textContent: string } | null;
  querySelectorAll(selector: string): { readonly length: number };
}

/** What a store, a plan or a peer may be named by who means harm. */
export const HOSTILE = `</script><script>document.title='taken'</script>"'><img src=x onerror=alert(1)>&amp;\u202e\u0000`;
