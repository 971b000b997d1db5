import { readFields } from '../../errors/arguments.js';
import { KeelsonError } from '../../errors/index.js';
import { isInsideDataOf } from '../../snapshot/inside-data.js';
import { letGo } from '../../snapshot/let-go.js';

/** How a request is read: its properties first, then what they hold. */
interface SnapshotCall<Field extends string, Given> {
  readonly request: unknown;
  readonly known: readonly Field[];
  readonly read: (fields: Readonly<Record<Field, unknown>>) => Given;
  /** What the data is pulled for, see {@link isInsideDataOf}. */
  readonly owner: object;
  /** Asked before the arguments are looked at. */
  readonly throwIfUnwritable: () => void;
}

/**
 * Reads a request and has the snapshot taken. The stream in it is ended in any case: also if the call is refused before
 * anything is read of it, or finds that nothing has to be.
 */
export async function takeRequested<Field extends string, Given, T>(
  { request, known, read, owner, throwIfUnwritable }: SnapshotCall<Field | 'data', Given>,
  take: (given: Given) => Promise<T>,
): Promise<T> {
  let data = (): unknown => Reflect.get(Object(request) as object, 'data');
  try {
    throwIfUnwritable();
    const fields = readFields('request', request, known, '');
    data = () => fields.data;
    const given = read(fields);
    if (isInsideDataOf(owner)) throw waitsForItself();
    return await take(given);
  } finally {
    letGo(data);
  }
}

function waitsForItself(): KeelsonError {
  return new KeelsonError(
    'KEELSON_INVALID_ARGUMENT',
    'the snapshot was asked for from inside the data of another one of this log, which has not ended: it would wait for itself; nothing was changed. Take it when that one has resolved.',
    { argument: 'request' },
  );
}
