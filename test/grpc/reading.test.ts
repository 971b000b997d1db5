// A log that was lent to a reader must come back however the reader ends, or nobody ever closes it.
// What is read fails at its start, in its middle and at its end, and the loan is looked at.
import { expect, test } from 'vitest';
import type { HostedLog } from '../../src/grpc/server/log-source.js';
import { Reading } from '../../src/grpc/server/reading.js';
import { all, failureOf } from './raw-session.js';

const never = Promise.resolve() as unknown as Promise<HostedLog>;

function lent(read: () => AsyncIterable<number, void>) {
  const loans = { out: 0 };
  const lend = () => {
    loans.out += 1;
    const giveBack = async (): Promise<void> => {
      await never;
      loans.out -= 1;
    };
    return { hosted: never, giveBack, toldOf: (error: unknown) => error };
  };
  return { loans, reading: new Reading(lend, read) };
}

async function* failing(where: 'middle' | 'end'): AsyncGenerator<number, void> {
  try {
    yield await Promise.resolve(1);
    if (where === 'middle') throw new Error('middle');
    yield 2;
  } finally {
    // As the file of a snapshot that cannot be closed.
    if (where === 'end') await Promise.reject(new Error('end'));
  }
}

test('a log comes back from a reader that fails, and from one that cannot end what it read', async () => {
  for (const where of ['middle', 'end'] as const) {
    const { loans, reading } = lent(() => failing(where));
    expect(await failureOf(all(reading))).toMatchObject({ message: where });
    expect(loans.out).toBe(0);
  }
  const { loans, reading } = lent(() => failing('end'));
  await reading.next();
  expect(await failureOf(reading.return())).toMatchObject({ message: 'end' });
  expect(loans.out).toBe(0);
  const begun = lent(() => {
    throw new Error('start');
  });
  expect(await failureOf(all(begun.reading))).toMatchObject({ message: 'start' });
  expect(begun.loans.out).toBe(0);
});
