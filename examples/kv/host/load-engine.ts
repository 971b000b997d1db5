import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { EXIT, ExitError } from '../exit.js';
import type { MakeEngine } from './engine.js';
import { referenceEngine } from './reference-engine.js';

/** The engine of a module's default export; of null the reference Raft. Rejects with an {@link ExitError}. */
export async function loadEngine(file: string | null): Promise<MakeEngine> {
  if (file === null) return referenceEngine;
  try {
    const module = (await import(pathToFileURL(resolve(file)).href)) as { readonly default?: unknown };
    if (typeof module.default === 'function') return module.default as MakeEngine;
  } catch (error) {
    throw new ExitError(EXIT.usage, `--engine ${file} does not load: ${String(error)}`, error);
  }
  throw new ExitError(EXIT.usage, `--engine ${file} has no default export that makes an engine`);
}
