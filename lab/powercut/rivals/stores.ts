import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

/** A store of keys beside Keelson, asked for what Keelson promises: a write that was answered lasts. */
export interface RivalStore {
  put(key: string, value: Buffer): Promise<void>;
  all(): Promise<ReadonlyMap<string, Buffer>>;
  close(): Promise<void>;
}

export interface Rival {
  readonly name: string;
  open(dir: string): Promise<RivalStore>;
}

/** Neither is installed with Keelson; npm run bench uses them, too. */
const LEVEL = 'classic-level';
const SQLITE = 'better-sqlite3';
const require = createRequire(resolve(import.meta.dirname, '../../../../bench/peers/node/package.json'));

interface Level {
  open(): Promise<void>;
  put(key: string, value: Buffer, options: { readonly sync: boolean }): Promise<void>;
  iterator(): AsyncIterable<readonly [string, Buffer]>;
  close(): Promise<void>;
}

const classicLevel: Rival = {
  name: LEVEL,
  open: async (dir) => {
    const { ClassicLevel } = require(LEVEL) as {
      ClassicLevel: new (path: string, options: object) => Level;
    };
    const db = new ClassicLevel(dir, { valueEncoding: 'buffer' });
    await db.open();
    return {
      put: (key, value) => db.put(key, value, { sync: true }),
      all: async () => {
        const all = new Map<string, Buffer>();
        for await (const [key, value] of db.iterator()) all.set(key, value);
        return all;
      },
      close: () => db.close(),
    };
  },
};

interface Sqlite {
  pragma(text: string): void;
  exec(text: string): void;
  prepare(text: string): {
    run(...values: readonly unknown[]): void;
    all(): { readonly k: string; readonly v: Buffer }[];
  };
  close(): void;
}

const betterSqlite: Rival = {
  name: SQLITE,
  open: (dir) => {
    const db = new (require(SQLITE) as new (path: string) => Sqlite)(join(dir, '..', 'rival.db'));
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.exec('CREATE TABLE IF NOT EXISTS kv (k TEXT PRIMARY KEY, v BLOB)');
    const insert = db.prepare('INSERT OR REPLACE INTO kv VALUES (?, ?)');
    return Promise.resolve({
      put: (key, value) => {
        insert.run(key, value);
        return Promise.resolve();
      },
      all: () =>
        Promise.resolve(
          new Map(
            db
              .prepare('SELECT k, v FROM kv')
              .all()
              .map(({ k, v }) => [k, v]),
          ),
        ),
      close: () => {
        db.close();
        return Promise.resolve();
      },
    });
  },
};

export const RIVALS: readonly Rival[] = [classicLevel, betterSqlite];

/** What there is to install for a rival, in words; null where it can be loaded. */
export function whatRivalLacks({ name }: Rival): string | null {
  try {
    const loaded = require(name) as new (path: string) => unknown;
    if (name === SQLITE) new loaded(':memory:');
    return null;
  } catch {
    return `${name} cannot be loaded: npm install --prefix bench/peers/node`;
  }
}
