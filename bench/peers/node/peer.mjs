// Peers that run in Node for `npm run bench`, each set up as its documentation says for durability. Reads lines `one MS`,
// `batch MS` or `stream MS`, works so long, and answers `ENTRIES SECONDS`. With a name alone it says whether it is there.
import { Buffer } from 'node:buffer';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [name, dir] = process.argv.slice(2);
const data = Uint8Array.from({ length: 256 }, (_, at) => (at * 167 + (at >> 3) * 29 + 1) & 0xff);

/** Of the databases of SQLite: `WAL` and `FULL` sync the log at each commit. */
function sqlite(db) {
  db.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE log (i INTEGER PRIMARY KEY, d BLOB)',
  );
  const insert = db.prepare('INSERT INTO log VALUES (?, ?)');
  const all = db.prepare('SELECT i, d FROM log ORDER BY i');
  let last = 0;
  return {
    save: (count) => {
      db.exec('BEGIN IMMEDIATE');
      for (let at = 0; at < count; at += 1) insert.run(++last, data);
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
    return (path) => {
      const db = new ClassicLevel(path, { keyEncoding: 'buffer', valueEncoding: 'view' });
      let last = 0;
      return {
        save: (count) => {
          const batch = Array.from({ length: count }, () => ({
            type: 'put',
            key: keyOf(++last),
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
      let last = 0;
      return {
        save: (count) => {
          db.transactionSync(() => {
            for (let at = 0; at < count; at += 1) db.putSync(++last, Buffer.from(data));
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
  const store = make(dir);
  for await (const line of createInterface({ input: process.stdin })) {
    const [work, ms] = line.split(' ');
    const startMs = performance.now();
    let entries = 0;
    while (performance.now() - startMs < Number(ms)) {
      if (work === 'stream') entries += await store.stream();
      else {
        const count = work === 'batch' ? 64 : 1;
        await store.save(count);
        entries += count;
      }
    }
    console.log(entries, (performance.now() - startMs) / 1000);
  }
  process.exit(0);
}
