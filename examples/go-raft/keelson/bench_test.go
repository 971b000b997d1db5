// The benchmarks of hashicorp/raft for stores. Two of them cannot be run as they are by a log without holes: those that
// begin at index 0 are moved up by one, and DeleteRange deletes ten entries of ten, not three.
package keelson

import (
	"testing"

	"github.com/hashicorp/raft"
	raftbench "github.com/hashicorp/raft/bench"
)

// moved has indexes from 1 on where the benchmark has them from 0 on, and sixteen keys where it has 256 of one byte.
type moved struct{ *Store }

func (m moved) StoreLog(log *raft.Log) error {
	log.Index++
	return m.Store.StoreLog(log)
}
func (m moved) Set(key, value []byte) error              { return m.Store.Set(few(key), value) }
func (m moved) SetUint64(key []byte, value uint64) error { return m.Store.SetUint64(few(key), value) }
func (m moved) GetUint64(key []byte) (uint64, error)     { return m.Store.GetUint64(few(key)) }
func (m moved) Get(key []byte) ([]byte, error)           { return m.Store.Get(few(key)) }
func few(key []byte) []byte                              { return []byte{key[0] % 16} }

func BenchmarkFirstIndex(b *testing.B) { raftbench.FirstIndex(b, open(b)) }
func BenchmarkLastIndex(b *testing.B)  { raftbench.LastIndex(b, open(b)) }
func BenchmarkGetLog(b *testing.B)     { raftbench.GetLog(b, open(b)) }
func BenchmarkStoreLog(b *testing.B)   { raftbench.StoreLog(b, moved{open(b)}) }
func BenchmarkStoreLogs(b *testing.B)  { raftbench.StoreLogs(b, open(b)) }
func BenchmarkSet(b *testing.B)        { raftbench.Set(b, moved{open(b)}) }
func BenchmarkGet(b *testing.B)        { raftbench.Get(b, moved{open(b)}) }
func BenchmarkSetUint64(b *testing.B)  { raftbench.SetUint64(b, moved{open(b)}) }
func BenchmarkGetUint64(b *testing.B)  { raftbench.GetUint64(b, moved{open(b)}) }

func BenchmarkDeleteRange(b *testing.B) {
	store := open(b)
	must(b, store.StoreLogs(entries(1, uint64(b.N)*10+2, 0)))
	b.ResetTimer()
	for n := uint64(0); n < uint64(b.N); n++ {
		must(b, store.DeleteRange(n*10+1, n*10+10))
	}
}
