import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';

const PLACES = [
  process.env['KEELSON_BROWSER'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** A browser of this machine; undefined if it has none. */
const BROWSER = PLACES.find((path) => path !== '' && existsSync(path));

export const hasBrowser: boolean = BROWSER !== undefined;

/** In front of the name of a test that needs one. */
export const skippedWithout: string = hasBrowser ? '' : 'skipped: no browser (KEELSON_BROWSER names one): ';

/**
 * Shows a page in a real browser, light and then dark, and returns what went wrong in it meanwhile: errors of scripts,
 * and anything that was asked of the network.
 */
export async function inBrowser(
  path: string,
  act: (page: Page) => Promise<void>,
): Promise<readonly string[]> {
  const wrong: string[] = [];
  // Here: it takes a second of processor time to load, and most tests of pages need no browser.
  const { chromium } = await import('playwright-core');
  const browser = await chromium.launch({ executablePath: BROWSER ?? '', args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage({ colorScheme: 'light' });
    page.on('pageerror', (error) => wrong.push(error.message));
    page.on('console', (message) => wrong.push(message.text()));
    page.on('request', (request) => {
      if (!request.url().startsWith('file:')) wrong.push(request.url());
    });
    await page.goto(pathToFileURL(path).href);
    await act(page);
    const light = await backgroundOf(page);
    await page.emulateMedia({ colorScheme: 'dark' });
    if ((await backgroundOf(page)) === light) wrong.push('dark looks like light');
  } finally {
    await browser.close();
  }
  return wrong;
}

function backgroundOf(page: Page): Promise<string> {
  return page.evaluate('getComputedStyle(document.body).backgroundColor');
}
