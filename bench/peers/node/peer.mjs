// Peers that run in Node for `npm run bench`, each set up as its documentation says for durability. Opens its store when
// first asked for a work: reads lines `WORK MS` (one, batch, stream, large, huge), works so long, and answers `DONE SECONDS`;
// `fill N`: until it holds so many entries; `open`: nothing more. With a name alone it says whether it is there.
import { Buffer } from 'node:buffer';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [name, dir] = process.argv.slice(2);
const dataOf = (bytes) =>
  Uint8Array.from({ length: bytes }, (_, at) => (at * 167 + (at >> 3) * 29 + 1) & 0xff);
const DATA = { large: dataOf(64 * 1024), huge: dataOf(1024 * 1024), usual: dataOf(256) };

/** Of the databases of SQLite: `WAL` and `FULL` sync the log at each commit. */
function sqlite(db) {
  db.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE IF NOT EXISTS log (i INTEGER PRIMARY KEY, d BLOB)',
  );
  const insert = db.prepare('INSERT INTO log VALUES (?, ?)');
  const all = db.prepare('SELECT i, d FROM log ORDER BY i');
  return {
    save: (from, count, data) => {
      db.exec('BEGIN IMMEDIATE');
      for (let at = 0; at < count; at += 1) insert.run(from + at, data);
      db.exec('COMMIT');
    },
    stream: () => {
      let count = 0;
      for (const { d } of all.iterate()) count += d.length > 0 ? 1 : 0;
      return count;
    },
  };
}

function keyOf(index) {
  const key = Buffer.alloc(8);
  key.writeBigUInt64BE(BigInt(index));
  return key;
}

const STORES = {
  'better-sqlite3': async () => {
    const { default: Database } = await import('better-sqlite3');
    new Database(':memory:').close();
    return (path) => sqlite(new Database(join(path, 'log.db')));
  },
  'node:sqlite': async () => {
    const { DatabaseSync } = await import('node:sqlite');
    return (path) => sqlite(new DatabaseSync(join(path, 'log.db')));
  },
  'classic-level': async () => {
    const { ClassicLevel } = await import('classic-level');
    return async (path) => {
      const db = new ClassicLevel(path, { keyEncoding: 'buffer', valueEncoding: 'view' });
      await db.open();
      return {
        save: (from, count, data) => {
          const batch = Array.from({ length: count }, (_, at) => ({
            type: 'put',
            key: keyOf(from + at),
            value: data,
          }));
          return db.batch(batch, { sync: true });
        },
        stream: async () => {
          let count = 0;
          const values = db.values();
          for (let chunk = await values.nextv(1000); chunk.length > 0; chunk = await values.nextv(1000))
            count += chunk.length;
          await values.close();
          return count;
        },
      };
    };
  },
  lmdb: async () => {
    const { open } = await import('lmdb');
    return (path) => {
      const db = open({
        path: join(path, 'log.mdb'),
        encoding: 'binary',
        keyEncoding: 'uint32',
        overlappingSync: false,
      });
      return {
        save: (from, count, data) => {
          db.transactionSync(() => {
            for (let at = 0; at < count; at += 1) db.putSync(from + at, Buffer.from(data));
          });
        },
        stream: () => {
          let count = 0;
          for (const { value } of db.getRange({})) count += value.length > 0 ? 1 : 0;
          return count;
        },
      };
    };
  },
};

const load = STORES[name];
if (load === undefined) throw new Error(`there is no peer '${name}'`);
const make = await load();
if (dir !== undefined) {
  mkdirSync(dir, { recursive: true });
  let store = null;
  let last = 0;
  const save = async (count, data) => {
    await store.save(last + 1, count, data);
    last += count;
    return count;
  };
  const WORKS = {
    one: () => save(1, DATA.usual),
    batch: () => save(64, DATA.usual),
    large: () => save(1, DATA.large),
    huge: () => save(1, DATA.huge),
    stream: () => store.stream(),
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const [work, figure] = line.split(' ');
    let startMs = performance.now();
    let done = 0;
    store ??= await make(dir);
    if (work !== 'open') startMs = performance.now();
    if (work === 'open') done = 1;
    else if (work === 'fill') while (last < Number(figure)) done += await save(1024, DATA.usual);
    else while (performance.now() - startMs < Number(figure)) done += await WORKS[work]();
    console.log(done, (performance.now() - startMs) / 1000);
  }
  process.exit(0);
}
