/**
 * A matrix that cannot fail proves nothing. Chronicles that claim more than the log holds, or other bytes, and faults
 * that are blamed on the wrong file, must all be refused by what judges the cases.
 */
import { describe, expect, test } from 'vitest';
import { PlainLog } from '../raft-log/plain-log.js';
import { chronicleOf, DIR, type Chronicle } from './chronicle.js';
import { shortLife } from './lives.js';
import { deletions, flips, type Mutation } from './mutations.js';
import { verdictOn } from './verdict.js';

const SEGMENT = `${DIR}/wal/0000000000000001.wal`;

function untouched(chronicle: Chronicle): Mutation {
  const { images } = chronicle;
  return { kind: 'bit flipped', text: 'nothing', images, touched: [], hits: () => false };
}

function claiming(chronicle: Chronicle, state: PlainLog): Chronicle {
  return { ...chronicle, states: [...chronicle.states, state] };
}

describe('what judges the cases', () => {
  test('lets an untouched log pass', async () => {
    const chronicle = await chronicleOf('clean', shortLife);
    expect(await verdictOn(chronicle, untouched(chronicle), {}, true)).toBe('exact');
  });

  test('notices a lost acknowledgement', async () => {
    const chronicle = await chronicleOf('unmarked', shortLife);
    const truth = chronicle.states.at(-1) ?? new PlainLog();
    const more = truth.save({ entries: [{ index: truth.lastIndex + 1, term: 1, data: Uint8Array.of(9) }] });
    const verdict = verdictOn(claiming(chronicle, more), untouched(chronicle), {}, true);
    await expect(verdict).rejects.toThrow('acknowledgements 5 are lost in silence');
  });

  test('notices a wrong byte', async () => {
    const chronicle = await chronicleOf('clean', shortLife);
    const { boundary, entries, hardState } = chronicle.states.at(-1) ?? new PlainLog();
    const [first, ...rest] = entries;
    if (first === undefined) throw new Error('no entry');
    const other = new PlainLog(
      boundary,
      [{ ...first, data: first.data.map((byte) => byte ^ 1) }, ...rest],
      hardState,
    );
    const states = chronicle.states.map(() => other);
    const verdict = verdictOn({ ...chronicle, states }, untouched(chronicle), {}, true);
    await expect(verdict).rejects.toThrow('it shows what was never there');
  });

  test('notices that a loss beyond R5 is called a tear', async () => {
    const chronicle = await chronicleOf('unmarked', shortLife);
    const verdicts = new Set<string>();
    for (const mutation of flips(
      chronicle,
      (path, bit) => path === SEGMENT && bit > 8 * 512 && bit % 173 === 0,
    )) {
      verdicts.add(await verdictOn(chronicle, mutation, {}, false).catch(() => 'refused'));
      const none = { ...mutation, hits: () => false };
      verdicts.add(await verdictOn(chronicle, none, {}, false).catch(() => 'refused, as it has to be'));
    }
    expect([...verdicts].sort()).toEqual(['exact', 'named', 'refused, as it has to be', 'torn']);
  });

  test('notices that another file is blamed', async () => {
    const chronicle = await chronicleOf('clean', shortLife);
    const gone = [...deletions(chronicle)].find(({ touched }) => touched[0] === SEGMENT);
    if (gone === undefined) throw new Error('no segment');
    expect(await verdictOn(chronicle, gone, {}, true)).toBe('named');
    const blamed = verdictOn(chronicle, { ...gone, touched: [`${DIR}/marks`] }, {}, true);
    await expect(blamed).rejects.toThrow(`it names ${SEGMENT}`);
  });
});
