import { rmSync } from 'node:fs';
import { diskFiles, type DiskFiles } from '../disk/disk-files.js';
import { Journal } from '../disk/journal.js';
import type { Past } from '../model/past.js';
import type { Note } from '../model/note.js';
import { readNotes } from '../life/notebook.js';
import { join } from 'node:path';

/** One disk's life from mount to unmount: what it held at first, all it was asked, and what its users noted. */
export interface Recording {
  readonly disk: DiskFiles;
  /** The image at first; cuts begin from it. */
  readonly base: string;
  readonly notesPath: string;
  readonly past: Past;
}

/** A recording to be made, of a disk of this name. */
export function recording(folder: string, name: string, past: Past): Recording {
  const at = (kind: string): string => join(folder, `${name}.${kind}`);
  return { disk: diskFiles(folder, name), base: at('base'), notesPath: at('notes'), past };
}

export function notesOf({ notesPath }: Recording): Note[] {
  return readNotes(notesPath);
}

export function journalOf({ disk }: Recording): Journal {
  return new Journal(disk.journal);
}

export function removeRecording({ disk, base, notesPath }: Recording): void {
  for (const path of [disk.image, disk.journal, disk.count, disk.faults, base, notesPath, `${base}.past`])
    rmSync(path, { force: true });
}
