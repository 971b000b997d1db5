import { KeelsonError } from '../../errors/index.js';
import { isInsideDataOf } from '../../snapshot/inside-data.js';
import { letGo } from '../../snapshot/let-go.js';

/** How a request is read: its properties first, then what they hold. */
interface SnapshotCall<Fields, Given> {
  readonly request: unknown;
  readonly fieldsOf: (request: unknown) => Fields;
  readonly read: (fields: Fields) => Given;
  /** What the data is pulled for, see {@link isInsideDataOf}. */
  readonly owner: object;
  /** Asked before the arguments are looked at. */
  readonly throwIfUnwritable: () => void;
}

/**
 * Reads a request and has the snapshot taken. The stream in it is ended in any case: also if the call is refused before
 * anything is read of it, or finds that nothing has to be.
 */
export async function takeRequested<Fields extends { readonly data: unknown }, Given, T>(
  { request, fieldsOf, read, owner, throwIfUnwritable }: SnapshotCall<Fields, Given>,
  take: (given: Given) => Promise<T>,
): Promise<T> {
  let data = (): unknown => Reflect.get(Object(request) as object, 'data');
  try {
    throwIfUnwritable();
    const fields = fieldsOf(request);
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
