/**
 * An adapter for `keelson conformance`, as a model for one in another language: requests and answers are lines of JSON
 * (docs/wire-conformance.md). Judges `connectRaftLog`; with `--local DIR` the log of this process, below that directory.
 */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connectRaftLog } from '../../src/grpc/index.js';
import { openRaftLog } from '../../src/index.js';
import { adapterOver, Unsupported, type Request } from './adapter.js';

const local = process.argv[2] === '--local' ? process.argv[3] : undefined;
const answerTo = adapterOver((name, { takeOver, ...how }) => {
  if (local === undefined)
    return connectRaftLog(process.env['KEELSON_ADDRESS'] ?? '127.0.0.1:7500', {
      name,
      takeOver: takeOver === true,
      ...how,
    });
  if (takeOver === true) throw new Unsupported();
  return openRaftLog({ dir: join(local, name), segmentBytes: 65_536, ...how });
});

// Each call begins when its line is there: what is sent without waiting is under way at one time.
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const request = JSON.parse(line) as Request;
    void answerTo(request).then((answer) => {
      process.stdout.write(`${JSON.stringify({ id: request.id, ...answer })}\n`);
    });
  })
  .on('close', () => {
    process.exit(0);
  });
