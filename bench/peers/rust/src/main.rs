//! Peers in Rust for `npm run bench`: TiKV's raft-engine with recycled files and drmingdrmer's raft-log, each set up as its
//! documentation says for durability. Opens its store when first asked for a work: reads lines `WORK MS` (one, batch,
//! stream, large, huge), works so long, and answers `DONE SECONDS`; `fill N`: until it holds so many entries; `open`: nothing
//! more.
use std::io::{self, BufRead};
use std::sync::mpsc::{sync_channel, SyncSender};
use std::sync::Arc;
use std::time::{Duration, Instant};

use raft_engine::{Config, Engine, LogBatch, MessageExt, ReadableSize};
use raft_log::api::raft_log_writer::RaftLogWriter;
use raft_log::{RaftLog, Types};
use raft_proto::eraftpb::Entry;

const GROUP: u64 = 1;
/// Entries that raft-engine hands out at once.
const CHUNK_BYTES: usize = 1 << 20;

trait Peer {
    fn save(&mut self, from: u64, count: usize, data: &[u8]);
    fn stream(&mut self, last: u64) -> usize;
    fn open(&mut self);
}

fn data_of(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 167 + (at >> 3) * 29 + 1) as u8).collect()
}

struct Entries;

impl MessageExt for Entries {
    type Entry = Entry;
    fn index(entry: &Entry) -> u64 {
        entry.index
    }
}

struct TikvEngine {
    dir: String,
    engine: Option<Engine>,
    batch: LogBatch,
}

impl TikvEngine {
    fn engine(&self) -> &Engine {
        self.engine.as_ref().expect("it is open")
    }
}

impl Peer for TikvEngine {
    fn save(&mut self, from: u64, count: usize, data: &[u8]) {
        let entries: Vec<Entry> = (0..count as u64)
            .map(|at| Entry { index: from + at, term: 1, data: data.to_vec().into(), ..Default::default() })
            .collect();
        self.batch.add_entries::<Entries>(GROUP, &entries).expect("a batch takes its entries");
        let engine = self.engine.as_ref().expect("it is open");
        engine.write(&mut self.batch, true).expect("raft-engine writes");
    }

    fn stream(&mut self, last: u64) -> usize {
        let mut found = Vec::new();
        let mut count = 0;
        let mut from = 1;
        while from <= last {
            found.clear();
            self.engine()
                .fetch_entries_to::<Entries>(GROUP, from, last + 1, Some(CHUNK_BYTES), &mut found)
                .expect("raft-engine reads");
            count += found.len();
            from += found.len() as u64;
        }
        count
    }

    fn open(&mut self) {
        let config = Config {
            dir: self.dir.clone(),
            // As Keelson's: the bytes as they are, in files that were written before.
            batch_compression_threshold: ReadableSize(0),
            prefill_for_recycle: true,
            prefill_limit: Some(ReadableSize::mb(512)),
            ..Default::default()
        };
        self.engine = Some(Engine::open(config).expect("raft-engine opens"));
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Plain;

impl Types for Plain {
    type LogId = (u64, u64);
    type LogPayload = Vec<u8>;
    type Vote = (u64, u64);
    type UserData = String;
    type Callback = SyncSender<io::Result<()>>;

    fn log_index(id: &Self::LogId) -> u64 {
        id.1
    }
    fn payload_size(payload: &Self::LogPayload) -> u64 {
        payload.len() as u64
    }
}

struct ChunkedLog {
    dir: String,
    log: Option<RaftLog<Plain>>,
}

impl ChunkedLog {
    fn log(&mut self) -> &mut RaftLog<Plain> {
        self.log.as_mut().expect("it is open")
    }
}

impl Peer for ChunkedLog {
    fn save(&mut self, from: u64, count: usize, data: &[u8]) {
        let entries = (from..from + count as u64).map(|index| ((1, index), data.to_vec()));
        self.log().append(entries).expect("raft-log appends");
        let (told, durable) = sync_channel(1);
        self.log().flush(true, Some(told)).expect("raft-log flushes");
        durable.recv().expect("raft-log answers").expect("raft-log syncs");
    }

    fn stream(&mut self, last: u64) -> usize {
        self.log().read(1, last + 1).filter(|entry| entry.is_ok()).count()
    }

    fn open(&mut self) {
        std::fs::create_dir_all(&self.dir).expect("its directory is made");
        // Its cache would hand out what was never read.
        let config = raft_log::Config { log_cache_max_items: Some(1), ..raft_log::Config::new(&self.dir) };
        self.log = Some(RaftLog::open(Arc::new(config)).expect("raft-log opens"));
    }
}

/// Counts the entries of a store.
struct Worker {
    store: Box<dyn Peer>,
    last: u64,
}

impl Worker {
    fn save(&mut self, count: usize, data: &[u8]) -> usize {
        self.store.save(self.last + 1, count, data);
        self.last += count as u64;
        count
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_default();
    let dir = args.next().unwrap_or_default();
    let store: Box<dyn Peer> = match name.as_str() {
        "raft-engine" => Box::new(TikvEngine { dir, engine: None, batch: LogBatch::default() }),
        "raft-log" => Box::new(ChunkedLog { dir, log: None }),
        _ => panic!("there is no peer {name:?}"),
    };
    let (usual, large, huge) = (data_of(256), data_of(64 << 10), data_of(1 << 20));
    let mut worker = Worker { store, last: 0 };
    let mut is_open = false;
    for line in io::stdin().lock().lines() {
        let line = line.expect("a line");
        let (work, figure) = line.split_once(' ').expect("a work and its figure");
        let figure: u64 = figure.parse().expect("a number");
        let mut start = Instant::now();
        let mut done = 0;
        if !is_open {
            worker.store.open();
            is_open = true;
        }
        if work != "open" {
            start = Instant::now();
        }
        if work == "fill" {
            while worker.last < figure {
                done += worker.save(1024, &usual);
            }
        } else if work == "open" {
            done = 1;
        } else {
            while start.elapsed() < Duration::from_millis(figure) {
                done += match work {
                    "one" => worker.save(1, &usual),
                    "batch" => worker.save(64, &usual),
                    "large" => worker.save(1, &large),
                    "huge" => worker.save(1, &huge),
                    "stream" => worker.store.stream(worker.last),
                    _ => panic!("there is no work {work:?}"),
                };
            }
        }
        println!("{done} {}", start.elapsed().as_secs_f64());
    }
}
