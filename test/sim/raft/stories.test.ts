// At stake: that the Raft does what a reader of the paper expects, message by message. Tried by playing the stories in
// stories/*.txt and comparing what each step prints with the text; UPDATE_STORIES=1 writes what was printed instead.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

import { playStory } from './harness/story.js';

const folder = fileURLToPath(new URL('./stories/', import.meta.url));

describe('stories', () => {
  test.each(readdirSync(folder).filter((name) => name.endsWith('.txt')))('%s', (name) => {
    const told = readFileSync(folder + name, 'utf8');
    const played = playStory(told);
    if (process.env['UPDATE_STORIES'] === '1') writeFileSync(folder + name, played);
    else expect(played).toBe(told);
  });
});
