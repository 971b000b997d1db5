import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CutPlan } from '../cut/cut-plan.js';
import { copyImage } from '../cut/medium.js';
import type { Past } from '../model/past.js';
import { recording, type Recording } from './recording.js';

/** What a cut needs to be made again, in a folder that outlives the run. */
interface KeptCut {
  readonly plan: CutPlan | null;
  readonly past: Past;
}

function folderOf(fileSystem: string, seed: number, cut: number): string {
  return join(tmpdir(), 'keelson-powercut', `${fileSystem}-seed-${seed}-cut-${cut}`);
}

/** Keeps a recording and the plan of its cut; returns where. */
export function keepCut(
  fileSystem: string,
  seed: number,
  cut: number,
  made: Recording,
  plan: CutPlan | null,
): string {
  const folder = folderOf(fileSystem, seed, cut);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const kept = recording(folder, 'kept', made.past);
  copyImage(made.base, kept.base);
  copyFileSync(made.disk.journal, kept.disk.journal);
  copyFileSync(made.notesPath, kept.notesPath);
  writeFileSync(join(folder, 'plan.json'), JSON.stringify({ plan, past: made.past } satisfies KeptCut));
  return folder;
}

/** A cut that an earlier run kept. Throws where there is none. */
export function readKeptCut(
  fileSystem: string,
  seed: number,
  cut: number,
): { readonly made: Recording; readonly plan: CutPlan } {
  const folder = folderOf(fileSystem, seed, cut);
  const { plan, past } = JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8')) as KeptCut;
  if (plan === null) throw new Error(`${folder}: a writer saw it before any cut; its notes say what`);
  return { made: recording(folder, 'kept', past), plan };
}
