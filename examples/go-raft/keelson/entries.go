package keelson

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	pb "keelson/examples/go-raft/keelson/v1"
)

// wrapped is set in the kind of an entry whose data begins with its extensions and the time when it was made. Without it the
// data is the log's own, as in a log that `keelson import raft-boltdb` made.
const wrapped = 0x80

// record is an entry of the log, as the server has it.
type record struct {
	Index, Term uint64
	Kind        byte
	Data        []byte
}

// pack makes one piece of entries that follow each other; nil of none.
func pack(entries []record) *pb.EntryBatch {
	if len(entries) == 0 {
		return nil
	}
	batch := &pb.EntryBatch{}
	for at, e := range entries {
		if at == 0 || e.Term != entries[at-1].Term {
			batch.TermRuns = append(batch.TermRuns, &pb.TermRun{Index: e.Index, Term: e.Term})
		}
		batch.Sizes = append(batch.Sizes, uint32(len(e.Data)))
		batch.Kinds = append(batch.Kinds, e.Kind)
		batch.Data = append(batch.Data, e.Data...)
	}
	return batch
}

// unpack cuts it again. The data are parts of the batch's.
func unpack(batch *pb.EntryBatch) ([]record, error) {
	entries := make([]record, len(batch.GetSizes()))
	runs, kinds, data := batch.GetTermRuns(), batch.GetKinds(), batch.GetData()
	if len(entries) == 0 || len(runs) == 0 || len(kinds) != 0 && len(kinds) != len(entries) {
		return nil, fmt.Errorf("%d entries came with %d terms and %d kinds", len(entries), len(runs), len(kinds))
	}
	for at, size := range batch.Sizes {
		if uint64(size) > uint64(len(data)) {
			return nil, fmt.Errorf("entry %d of a batch has %d bytes, of which %d came", at, size, len(data))
		}
		e := record{Index: batch.TermRuns[0].Index + uint64(at), Data: data[:size:size]}
		if len(runs) > 1 && runs[1].Index == e.Index {
			runs = runs[1:]
		}
		if e.Term = runs[0].Term; len(kinds) > 0 {
			e.Kind = kinds[at]
		}
		entries[at], data = e, data[size:]
	}
	return entries, nil
}

func entryOf(log *raft.Log) record {
	e := record{Index: log.Index, Term: log.Term, Kind: byte(log.Type), Data: log.Data}
	if len(log.Extensions) == 0 && log.AppendedAt.IsZero() {
		return e
	}
	data := make([]byte, 0, len(log.Data)+len(log.Extensions)+2*binary.MaxVarintLen64)
	at := int64(0)
	if !log.AppendedAt.IsZero() {
		at = log.AppendedAt.UnixNano()
	}
	data = binary.AppendVarint(data, at)
	data = binary.AppendUvarint(data, uint64(len(log.Extensions)))
	e.Kind |= wrapped
	e.Data = append(append(data, log.Extensions...), log.Data...)
	return e
}

func logOf(e record) (*raft.Log, error) {
	log := &raft.Log{Index: e.Index, Term: e.Term, Type: raft.LogType(e.Kind &^ wrapped)}
	data := e.Data
	if e.Kind&wrapped != 0 {
		at, atBytes := binary.Varint(data)
		data = data[max(0, atBytes):]
		length, lengthBytes := binary.Uvarint(data)
		if data = data[max(0, lengthBytes):]; atBytes <= 0 || lengthBytes <= 0 || length > uint64(len(data)) {
			return nil, fmt.Errorf("entry %d was not made by this store", e.Index)
		}
		if at != 0 {
			log.AppendedAt = time.Unix(0, at)
		}
		if length > 0 {
			log.Extensions = data[:length:length]
		}
		data = data[length:]
	}
	if len(data) > 0 {
		log.Data = data
	}
	return log, nil
}

// windowEntries is how many a window holds at most.
const windowEntries = 1024

// window is a run of entries in memory.
type window struct {
	logs []*raft.Log
}

func (w *window) get(index uint64) *raft.Log {
	if len(w.logs) == 0 || index < w.logs[0].Index || index > w.logs[len(w.logs)-1].Index {
		return nil
	}
	return w.logs[index-w.logs[0].Index]
}

// put adds entries that go on where it ends, or begins anew with them.
func (w *window) put(logs []*raft.Log) {
	w.cut(logs[0].Index)
	if len(w.logs) > 0 && w.logs[len(w.logs)-1].Index+1 != logs[0].Index {
		w.logs = nil
	}
	w.logs = append(w.logs, logs...)
	if over := len(w.logs) - windowEntries; over > windowEntries {
		w.logs = append([]*raft.Log{}, w.logs[over:]...)
	}
}

// cut drops those from an index on.
func (w *window) cut(from uint64) {
	if len(w.logs) > 0 && from <= w.logs[len(w.logs)-1].Index {
		w.logs = w.logs[:max(from, w.logs[0].Index)-w.logs[0].Index]
	}
}
