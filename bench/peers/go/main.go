// Peers in Go for `npm run bench`: etcd's wal and HashiCorp's raft-wal, each set up as its documentation says for
// durability. Opens its store when first asked for a work: reads lines `WORK MS` (one, batch, stream, large, huge), works so
// long, and answers `DONE SECONDS`; `fill N`: until it holds so many entries; `open`: nothing more.
package main

import (
	"bufio"
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/raft"
	raftwal "github.com/hashicorp/raft-wal"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
)

type peer interface {
	save(from uint64, count int, data []byte)
	stream(last uint64) int
	open()
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func number(value uint64) *uint64 { return &value }

type etcd struct {
	log *wal.WAL
	dir string
}

func (e *etcd) save(from uint64, count int, data []byte) {
	entries := make([]*raftpb.Entry, count)
	for at := range entries {
		entries[at] = &raftpb.Entry{Index: number(from + uint64(at)), Term: number(1), Data: data}
	}
	last := from + uint64(count) - 1
	check(e.log.Save(&raftpb.HardState{Term: number(1), Commit: number(last)}, entries))
}

// It takes saves only when all of it was read.
func (e *etcd) open() {
	if !wal.Exist(e.dir) {
		log, err := wal.Create(zap.NewNop(), e.dir, nil)
		check(err)
		e.log = log
		return
	}
	log, err := wal.Open(zap.NewNop(), e.dir, &walpb.Snapshot{})
	check(err)
	_, _, _, err = log.ReadAll()
	check(err)
	e.log = log
}

func (e *etcd) stream(uint64) int {
	log, err := wal.OpenForRead(zap.NewNop(), e.dir, &walpb.Snapshot{})
	check(err)
	defer log.Close()
	_, _, entries, err := log.ReadAll()
	check(err)
	return len(entries)
}

type hashicorp struct {
	log *raftwal.WAL
	dir string
}

func (h *hashicorp) save(from uint64, count int, data []byte) {
	logs := make([]*raft.Log, count)
	for at := range logs {
		logs[at] = &raft.Log{Index: from + uint64(at), Term: 1, Data: data}
	}
	check(h.log.StoreLogs(logs))
}

func (h *hashicorp) open() {
	check(os.MkdirAll(h.dir, 0o755))
	log, err := raftwal.Open(h.dir)
	check(err)
	h.log = log
}

func (h *hashicorp) stream(last uint64) int {
	var log raft.Log
	for index := uint64(1); index <= last; index++ {
		check(h.log.GetLog(index, &log))
	}
	return int(last)
}

func dataOf(bytes int) []byte {
	data := make([]byte, bytes)
	for at := range data {
		data[at] = byte(at*167 + (at>>3)*29 + 1)
	}
	return data
}

// worker counts the entries of a store.
type worker struct {
	store peer
	last  uint64
}

func (w *worker) save(count int, data []byte) int {
	w.store.save(w.last+1, count, data)
	w.last += uint64(count)
	return count
}

func main() {
	usual, large, huge := dataOf(256), dataOf(64*1024), dataOf(1024*1024)
	var w worker
	switch os.Args[1] {
	case "etcd-wal":
		w.store = &etcd{dir: os.Args[2]}
	case "raft-wal":
		w.store = &hashicorp{dir: os.Args[2]}
	default:
		check(fmt.Errorf("there is no peer %q", os.Args[1]))
	}
	works := map[string]func() int{
		"one":    func() int { return w.save(1, usual) },
		"batch":  func() int { return w.save(64, usual) },
		"large":  func() int { return w.save(1, large) },
		"huge":   func() int { return w.save(1, huge) },
		"stream": func() int { return w.store.stream(w.last) },
	}
	lines := bufio.NewScanner(os.Stdin)
	for isOpen := false; lines.Scan(); isOpen = true {
		var work string
		var figure int
		_, err := fmt.Sscan(lines.Text(), &work, &figure)
		check(err)
		start := time.Now()
		done := 0
		if !isOpen {
			w.store.open()
		}
		if work != "open" {
			start = time.Now()
		}
		switch step := works[work]; {
		case work == "fill":
			for w.last < uint64(figure) {
				done += w.save(1024, usual)
			}
		case work == "open":
			done = 1
		case step == nil:
			check(fmt.Errorf("there is no work %q", work))
		default:
			for time.Since(start) < time.Duration(figure)*time.Millisecond {
				done += step()
			}
		}
		fmt.Println(done, time.Since(start).Seconds())
	}
}
