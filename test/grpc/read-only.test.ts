// Who only looks must change nothing, keep nobody out, and be told where what he saw is gone, as beside a log that lies here.
// A log is opened for reading beside its writer over the network, and after it, and asked for what it must refuse.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scratchDirectory } from '../disk/scratch-directory.js';
import { entryAt, failureOf } from './raw-session.js';
import { connected, served } from './served.js';

test('a log is read beside its writer, as it was when it was opened, and nothing of it can be changed', async () => {
  const server = await served();
  expect(await failureOf(connected(server, { readOnly: true }))).toMatchObject({ code: 'KEELSON_NOT_A_LOG' });
  const writer = await connected(server);
  const entries = [entryAt(1), entryAt(2)];
  await writer.save({ hardState: { term: 1, vote: 'n1' }, entries });
  await writer.createSnapshot({ index: 1, conf: Buffer.of(1), data: Buffer.from('state') });
  const reader = await connected(server, { readOnly: true });
  expect(reader).toMatchObject({ status: 'read-only', lastIndex: 2, hardState: { term: 1, vote: 'n1' } });
  expect(reader.recovery).toEqual(writer.recovery);
  expect(await reader.entries(1, 3)).toEqual(await writer.entries(1, 3));
  expect((await reader.verify()).verdict).toBe('sound');
  const opened = await reader.openSnapshot();
  expect(opened?.meta.index).toBe(1);
  await opened?.close();
  for (const change of [reader.save({ hardState: { term: 2 } }), reader.compact(1)])
    expect(await failureOf(change)).toMatchObject({ code: 'KEELSON_READ_ONLY' });
  await writer.save({ hardState: { term: 2 }, entries: [{ ...entryAt(2), term: 2 }] });
  expect(reader.lastIndex).toBe(2);
  expect(await failureOf(reader.entries(1, 3))).toMatchObject({ code: 'KEELSON_UNAVAILABLE' });
  expect(await reader.entries(1, 2)).toHaveLength(1);
  await reader.close();
  await writer.append([{ ...entryAt(3), term: 2 }]);
  await writer.close();
  const after = await connected(server, { readOnly: true });
  expect(await after.entries(1, 4)).toHaveLength(3);
  await after.close();
});

test('what is at odds with reading is refused, and a root that is not there is told to who serves it', async () => {
  const server = await served();
  for (const option of [{ takeOver: true }, { create: 'if-missing' }] as const)
    expect(await failureOf(connected(server, { readOnly: true, ...option }))).toMatchObject({
      code: 'KEELSON_INVALID_ARGUMENT',
      details: { argument: 'readOnly' },
    });
  expect(await failureOf(served({ root: join(scratchDirectory(), 'missing') }))).toMatchObject({
    code: 'KEELSON_NOT_A_LOG',
  });
});
