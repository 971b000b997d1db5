// Peers in Go for `npm run bench`: etcd's wal and HashiCorp's raft-wal, each set up as its documentation says for
// durability. Reads lines `one MS`, `batch MS` or `stream MS`, works so long, and answers `ENTRIES SECONDS`.
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

const entryBytes = 256

type peer interface {
	save(count int)
	stream() int
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func number(value uint64) *uint64 { return &value }

type etcd struct {
	log  *wal.WAL
	dir  string
	last uint64
}

func openEtcd(dir string) *etcd {
	log, err := wal.Create(zap.NewNop(), dir, nil)
	check(err)
	return &etcd{log: log, dir: dir}
}

func (e *etcd) save(count int) {
	entries := make([]*raftpb.Entry, count)
	for at := range entries {
		e.last++
		entries[at] = &raftpb.Entry{Index: number(e.last), Term: number(1), Data: data}
	}
	check(e.log.Save(&raftpb.HardState{Term: number(1), Commit: number(e.last)}, entries))
}

func (e *etcd) stream() int {
	log, err := wal.OpenForRead(zap.NewNop(), e.dir, &walpb.Snapshot{})
	check(err)
	defer log.Close()
	_, _, entries, err := log.ReadAll()
	check(err)
	return len(entries)
}

type hashicorp struct {
	log  *raftwal.WAL
	last uint64
}

func openHashicorp(dir string) *hashicorp {
	check(os.MkdirAll(dir, 0o755))
	log, err := raftwal.Open(dir)
	check(err)
	return &hashicorp{log: log}
}

func (h *hashicorp) save(count int) {
	logs := make([]*raft.Log, count)
	for at := range logs {
		h.last++
		logs[at] = &raft.Log{Index: h.last, Term: 1, Data: data}
	}
	check(h.log.StoreLogs(logs))
}

func (h *hashicorp) stream() int {
	var log raft.Log
	for index := uint64(1); index <= h.last; index++ {
		check(h.log.GetLog(index, &log))
	}
	return int(h.last)
}

var data = make([]byte, entryBytes)

func main() {
	for at := range data {
		data[at] = byte(at*167 + (at>>3)*29 + 1)
	}
	var store peer
	switch os.Args[1] {
	case "etcd-wal":
		store = openEtcd(os.Args[2])
	case "raft-wal":
		store = openHashicorp(os.Args[2])
	default:
		check(fmt.Errorf("there is no peer %q", os.Args[1]))
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var work string
		var ms int
		_, err := fmt.Sscan(lines.Text(), &work, &ms)
		check(err)
		start := time.Now()
		entries := 0
		for time.Since(start) < time.Duration(ms)*time.Millisecond {
			switch work {
			case "one":
				store.save(1)
				entries++
			case "batch":
				store.save(64)
				entries += 64
			case "stream":
				entries += store.stream()
			default:
				check(fmt.Errorf("there is no work %q", work))
			}
		}
		fmt.Println(entries, time.Since(start).Seconds())
	}
}
