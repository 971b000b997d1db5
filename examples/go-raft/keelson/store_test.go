// What raft-boltdb's tests hold a store to, and what more this one promises: what is held back, and what a crash leaves.
package keelson

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

func entry(index, term uint64, data string) *raft.Log {
	return &raft.Log{Index: index, Term: term, Data: []byte(data)}
}

func entries(from, until, term uint64) (logs []*raft.Log) {
	for ; from < until; from++ {
		logs = append(logs, entry(from, term, "data"))
	}
	return logs
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func expectBounds(t testing.TB, store *Store, first, last uint64) {
	t.Helper()
	foundFirst, err := store.FirstIndex()
	must(t, err)
	foundLast, err := store.LastIndex()
	must(t, err)
	if foundFirst != first || foundLast != last {
		t.Fatalf("the log holds %d to %d, expected %d to %d", foundFirst, foundLast, first, last)
	}
}

func expectLog(t testing.TB, store *Store, expected *raft.Log) {
	t.Helper()
	var found raft.Log
	must(t, store.GetLog(expected.Index, &found))
	if !found.AppendedAt.Equal(expected.AppendedAt) {
		t.Fatalf("made at %v, expected %v", found.AppendedAt, expected.AppendedAt)
	}
	found.AppendedAt = expected.AppendedAt
	if !reflect.DeepEqual(&found, expected) {
		t.Fatalf("found %v, expected %v", &found, expected)
	}
}

func expectNoLog(t testing.TB, store *Store, index uint64) {
	t.Helper()
	if err := store.GetLog(index, new(raft.Log)); err != raft.ErrLogNotFound {
		t.Fatalf("entry %d: %v, expected ErrLogNotFound", index, err)
	}
}

func TestIndexes(t *testing.T) {
	store := open(t)
	expectBounds(t, store, 0, 0)
	must(t, store.StoreLogs(entries(1, 4, 0)))
	expectBounds(t, store, 1, 3)
}

func TestGetLog(t *testing.T) {
	store := open(t)
	expectNoLog(t, store, 1)
	logs := []*raft.Log{
		entry(1, 1, "log1"),
		{Index: 2, Term: 1, Type: raft.LogNoop},
		{Index: 3, Term: 2, Type: raft.LogConfiguration, Data: []byte("c"), Extensions: []byte("x"), AppendedAt: time.Unix(1, 2)},
	}
	must(t, store.StoreLogs(logs))
	for _, one := range []*Store{store, again(t, store)} {
		for _, log := range logs {
			expectLog(t, one, log)
		}
	}
}

func TestReadsManyInOrder(t *testing.T) {
	store := open(t)
	must(t, store.StoreLogs(entries(1, 2000, 1)))
	store = again(t, store)
	for index := uint64(1); index < 2000; index++ {
		expectLog(t, store, entry(index, 1, "data"))
	}
}

func TestDeletesPrefix(t *testing.T) {
	store := open(t)
	must(t, store.StoreLogs(entries(1, 4, 0)))
	must(t, store.DeleteRange(1, 2))
	expectNoLog(t, store, 1)
	expectNoLog(t, store, 2)
	expectBounds(t, store, 3, 3)
	store = again(t, store)
	expectBounds(t, store, 3, 3)
	// The mark that stands for what is gone is no snapshot of the host's.
	if found, err := store.List(); err != nil || len(found) != 0 {
		t.Fatal(found, err)
	}
}

func TestSuffixIsHeldBack(t *testing.T) {
	store := open(t)
	must(t, store.StoreLogs(entries(1, 10, 1)))
	must(t, store.DeleteRange(5, 9))
	expectBounds(t, store, 1, 4)
	expectNoLog(t, store, 5)

	// A crash before the entries that replace it: it is there still.
	store = crashed(t, store)
	expectBounds(t, store, 1, 9)
	must(t, store.DeleteRange(5, 9))
	must(t, store.StoreLogs(entries(5, 7, 2)))
	expectBounds(t, store, 1, 6)
	expectLog(t, store, entry(5, 2, "data"))

	// A clean end leaves nothing held back.
	must(t, store.DeleteRange(6, 6))
	store = again(t, store)
	expectBounds(t, store, 1, 5)
	expectLog(t, store, entry(5, 2, "data"))
}

func TestDeletesAllAndBeginsLater(t *testing.T) {
	store := open(t)
	must(t, store.StoreLogs(entries(1, 10, 1)))
	must(t, store.DeleteRange(1, 9))
	expectBounds(t, store, 0, 0)
	must(t, store.StoreLogs(entries(100, 103, 1)))
	expectBounds(t, store, 100, 102)
	expectNoLog(t, store, 9)
	store = again(t, store)
	expectBounds(t, store, 100, 102)
	if store.StoreLog(entry(200, 1, "")) == nil {
		t.Fatal("a hole was stored")
	}
	// Into the midst of the log that is deleted.
	must(t, store.DeleteRange(100, 102))
	must(t, store.StoreLogs(entries(102, 105, 1)))
	expectBounds(t, store, 102, 104)
}

func TestKeys(t *testing.T) {
	store := open(t)
	if _, err := store.Get([]byte("bad")); err != ErrKeyNotFound {
		t.Fatal(err)
	}
	if _, err := store.GetUint64([]byte("bad")); err != ErrKeyNotFound {
		t.Fatal(err)
	}
	must(t, store.Set([]byte("hello"), []byte("world")))
	must(t, store.Set([]byte{0xff}, []byte{}))
	must(t, store.SetUint64([]byte("abc"), 123))
	store = again(t, store)
	if value, err := store.Get([]byte("hello")); err != nil || string(value) != "world" {
		t.Fatal(value, err)
	}
	if value, err := store.Get([]byte{0xff}); err != nil || len(value) != 0 {
		t.Fatal(value, err)
	}
	if value, err := store.GetUint64([]byte("abc")); err != nil || value != 123 {
		t.Fatal(value, err)
	}
}

func expectVote(t testing.TB, store *Store, term, voteTerm uint64, candidate string) {
	t.Helper()
	foundTerm, err := store.GetUint64([]byte(currentTerm))
	if err != nil && err != ErrKeyNotFound {
		t.Fatal(err)
	}
	foundVoteTerm, err := store.GetUint64([]byte(lastVoteTerm))
	if err != nil && err != ErrKeyNotFound {
		t.Fatal(err)
	}
	found, err := store.Get([]byte(lastVoteCand))
	if err != nil && err != ErrKeyNotFound {
		t.Fatal(err)
	}
	if foundTerm != term || foundVoteTerm != voteTerm || string(found) != candidate {
		t.Fatalf("term %d, vote of %d for %q; expected %d, %d, %q", foundTerm, foundVoteTerm, found, term, voteTerm, candidate)
	}
}

func TestVoteIsOneAtom(t *testing.T) {
	store := open(t)
	vote := func(term uint64, candidate string) error {
		return errors.Join(store.SetUint64([]byte(lastVoteTerm), term), store.Set([]byte(lastVoteCand), []byte(candidate)))
	}
	must(t, store.SetUint64([]byte(currentTerm), 5))
	expectVote(t, store, 5, 0, "")
	must(t, store.SetUint64([]byte(lastVoteTerm), 5))
	// A crash in front of the candidate: nothing of the vote, nor of its term, is there.
	store = crashed(t, store)
	expectVote(t, store, 0, 0, "")

	must(t, store.SetUint64([]byte(currentTerm), 5))
	must(t, vote(5, "127.0.0.1:7001"))
	store = crashed(t, store)
	expectVote(t, store, 5, 5, "127.0.0.1:7001")
	if vote(5, "127.0.0.1:7002") == nil {
		t.Fatal("a second vote was kept")
	}
	must(t, vote(5, "127.0.0.1:7001"))

	must(t, store.SetUint64([]byte(currentTerm), 6))
	expectVote(t, store, 6, 5, "127.0.0.1:7001")
	// The first entry of the term brings it along.
	must(t, store.StoreLog(entry(1, 6, "")))
	store = crashed(t, store)
	expectVote(t, store, 6, 0, "")
	must(t, vote(6, "127.0.0.1:7002"))
	expectVote(t, store, 6, 6, "127.0.0.1:7002")
	must(t, store.SetUint64([]byte(currentTerm), 9))
	if store.SetUint64([]byte(currentTerm), 8) == nil || vote(8, "a") == nil || vote(9, "\xff") == nil {
		t.Fatal("a term went back, or a vote that cannot be kept was")
	}
	// A clean end leaves nothing held back.
	expectVote(t, again(t, store), 9, 0, "")
}

func TestCommitTravelsWithEntries(t *testing.T) {
	store := open(t)
	must(t, store.StoreLogs(entries(1, 4, 1)))
	must(t, store.StageCommitIndex(9))
	must(t, store.StoreLogs(entries(4, 6, 1)))
	must(t, store.StageCommitIndex(2))
	must(t, store.StoreLogs(entries(6, 7, 1)))
	store = crashed(t, store)
	if commit, err := store.GetCommitIndex(); err != nil || commit != 5 {
		t.Fatal(commit, err)
	}
	// The log keeps what is committed, whoever asks.
	must(t, store.DeleteRange(3, 6))
	if store.StoreLog(entry(3, 2, "")) == nil {
		t.Fatal("a committed entry was replaced")
	}
}

func servers(addresses ...string) (c raft.Configuration) {
	for _, a := range addresses {
		c.Servers = append(c.Servers, raft.Server{Suffrage: raft.Voter, ID: raft.ServerID(a), Address: raft.ServerAddress(a)})
	}
	return c
}

func takeSnapshot(t testing.TB, store *Store, index, term uint64, data []byte) string {
	t.Helper()
	sink, err := store.Create(raft.SnapshotVersionMax, index, term, servers("a", "b"), 1, nil)
	must(t, err)
	for len(data) > 0 {
		n, err := sink.Write(data[:min(len(data), 100_001)])
		must(t, err)
		data = data[n:]
	}
	must(t, sink.Close())
	return sink.ID()
}

func expectSnapshot(t testing.TB, store *Store, id string, expected []byte) {
	t.Helper()
	meta, data, err := store.Open(id)
	must(t, err)
	found, err := io.ReadAll(data)
	must(t, errors.Join(err, data.Close()))
	if !bytes.Equal(found, expected) || meta.Size != int64(len(expected)) || !reflect.DeepEqual(meta.Configuration, servers("a", "b")) {
		t.Fatalf("the snapshot %s has %d bytes, expected %d: %+v", id, len(found), len(expected), meta)
	}
}

func TestSnapshots(t *testing.T) {
	store := open(t)
	must(t, store.StoreLogs(entries(1, 11, 1)))
	large := make([]byte, 3<<20)
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(large)
	first := takeSnapshot(t, store, 4, 1, large)
	sink, err := store.Create(raft.SnapshotVersionMax, 6, 1, servers("a"), 1, nil)
	must(t, err)
	_, err = sink.Write(large)
	must(t, errors.Join(err, sink.Cancel()))
	second := takeSnapshot(t, store, 8, 1, []byte("state"))
	expectBounds(t, store, 1, 10)
	must(t, store.DeleteRange(1, 8))
	expectBounds(t, store, 9, 10)

	// One that a leader sent, of entries that this log does not have.
	third := takeSnapshot(t, store, 100, 3, nil)
	expectBounds(t, store, 0, 0)
	expectVote(t, store, 3, 0, "")
	must(t, store.StoreLogs(entries(101, 103, 3)))
	store = again(t, store)
	expectBounds(t, store, 101, 102)
	metas, err := store.List()
	must(t, err)
	if len(metas) != 2 || metas[0].ID != third || metas[1].ID != second {
		t.Fatalf("kept are %+v", metas)
	}
	expectSnapshot(t, store, second, []byte("state"))
	expectSnapshot(t, store, third, nil)
	if _, _, err := store.Open(first); err == nil {
		t.Fatal("a snapshot that is gone was opened")
	}
	// All of the log, as after a user's restore: what the snapshot covers is compacted, the rest is held back.
	takeSnapshot(t, store, 101, 3, nil)
	must(t, store.DeleteRange(101, 102))
	expectBounds(t, store, 0, 0)
	must(t, store.StoreLogs(entries(102, 104, 4)))
	expectBounds(t, store, 102, 103)
}

func TestReadsSnapshotsOfSeveralPieces(t *testing.T) {
	store := open(t)
	must(t, store.StoreLogs(entries(1, 3, 1)))
	large := bytes.Repeat([]byte("0123456789"), 400_000)
	id := takeSnapshot(t, store, 2, 1, large)
	expectSnapshot(t, again(t, store), id, large)
}

func TestAnotherSessionTakesTheLog(t *testing.T) {
	store := open(t)
	must(t, store.StoreLog(entry(1, 1, "")))
	next := crashed(t, store)
	if err := store.StoreLog(entry(2, 1, "")); !errors.Is(err, ErrLost) {
		t.Fatal(err)
	}
	<-store.Lost()
	must(t, next.StoreLog(entry(2, 1, "")))
}

// The server is killed under load, again and again; nothing is lost, doubled or told of wrongly.
func TestServerIsKilled(t *testing.T) {
	own := &server{root: t.TempDir()}
	own.start()
	store := own.connect(t, "killed")
	index := uint64(0)
	for kills := 0; kills < 5; kills++ {
		restarted := make(chan struct{})
		go func() {
			defer close(restarted)
			own.kill()
			own.start()
		}()
		// Some are under way as it is killed, some wait for the next one.
		for isRunning := true; isRunning; {
			if index%20 == 10 {
				must(t, store.DeleteRange(index-1, index))
				index -= 2
			}
			must(t, store.StoreLogs(entries(index+1, index+4, 1)))
			index += 3
			select {
			case <-restarted:
				isRunning = false
			default:
			}
		}
	}
	expectBounds(t, store, 1, index)
	must(t, store.Close())
	store = own.connect(t, "killed")
	expectBounds(t, store, 1, index)
	for at := uint64(1); at <= index; at++ {
		expectLog(t, store, entry(at, 1, "data"))
	}
	must(t, store.Close())
	own.kill()
}

// cutter passes connections on, until it is told to cut them.
type cutter struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func cutting(t testing.TB, target string) *cutter {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	c := &cutter{Listener: listener}
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", target)
			if err != nil {
				_ = near.Close()
				continue
			}
			c.mu.Lock()
			c.conns = append(c.conns, near, far)
			c.mu.Unlock()
			go func() { _, _ = io.Copy(near, far) }()
			go func() { _, _ = io.Copy(far, near) }()
		}
	}()
	return c
}

func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.conns = nil
}

// The server lives on, and has the session still: what is sent again by its number is made once.
func TestConnectionIsCut(t *testing.T) {
	network := cutting(t, common.address)
	own := &server{address: network.Addr().String()}
	store := own.connect(t, "cut")
	for round := uint64(0); round < 20; round++ {
		var storing sync.WaitGroup
		storing.Go(network.cut)
		storing.Go(func() { must(t, store.StoreLogs(entries(round*3+1, round*3+4, 1))) })
		storing.Go(func() { must(t, store.SetUint64([]byte("round"), round)) })
		storing.Wait()
	}
	if epoch := store.id.Epoch; epoch != 1 {
		t.Fatalf("the session was opened %d times", epoch)
	}
	expectBounds(t, store, 1, 60)
	id := takeSnapshot(t, store, 50, 1, bytes.Repeat([]byte("s"), 2<<20))
	_, data, err := store.Open(id)
	must(t, err)
	// A download goes on where it broke.
	_, err = io.ReadFull(data, make([]byte, 1000))
	must(t, err)
	network.cut()
	rest, err := io.ReadAll(data)
	must(t, errors.Join(err, data.Close()))
	if len(rest) != 2<<20-1000 {
		t.Fatalf("%d bytes came behind the cut", len(rest))
	}
	must(t, store.Close())
}
