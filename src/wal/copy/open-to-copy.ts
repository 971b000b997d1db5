import { openReadOnly } from '../open-segmented-log.js';
import type { OpenRequest } from '../open-request.js';

/**
 * How long, and how often, to look whether a writer beside has said that all is durable that was written at the first look:
 * it does so within a tenth of a second. One that died never will.
 */
const WITNESSED_WITHIN_MS = 500;
const LOOKS_MIN = 5;
const LOOK_AGAIN_MS = 20;

/**
 * As a read-only open, and what that was judged by: for who makes a copy of the store. All that a writer beside had
 * acknowledged before the call is in it, unless its end marks cannot be written (D12).
 */
export async function openToCopy(request: OpenRequest): ReturnType<typeof openReadOnly> {
  const { environment } = request;
  const untilMs = environment.now() + WITNESSED_WITHIN_MS;
  let writtenLsn: number | undefined;
  for (let looks = 1; ; looks += 1) {
    const opened = await openReadOnly(request);
    writtenLsn ??= opened.judged.writtenLsn ?? 0;
    const isLate = looks >= LOOKS_MIN && environment.now() >= untilMs;
    if (opened.log.durable.lsn >= writtenLsn || isLate) return opened;
    await opened.log.close();
    await new Promise<void>((resolve) => {
      environment.setTimer(LOOK_AGAIN_MS, resolve, true);
    });
  }
}
