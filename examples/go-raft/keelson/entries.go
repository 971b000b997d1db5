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

func entryOf(log *raft.Log) *pb.Entry {
	entry := &pb.Entry{Index: log.Index, Term: log.Term, Kind: uint32(log.Type), Data: log.Data}
	if len(log.Extensions) == 0 && log.AppendedAt.IsZero() {
		return entry
	}
	data := make([]byte, 0, len(log.Data)+len(log.Extensions)+2*binary.MaxVarintLen64)
	at := int64(0)
	if !log.AppendedAt.IsZero() {
		at = log.AppendedAt.UnixNano()
	}
	data = binary.AppendVarint(data, at)
	data = binary.AppendUvarint(data, uint64(len(log.Extensions)))
	entry.Kind |= wrapped
	entry.Data = append(append(data, log.Extensions...), log.Data...)
	return entry
}

func logOf(entry *pb.Entry) (*raft.Log, error) {
	log := &raft.Log{Index: entry.Index, Term: entry.Term, Type: raft.LogType(entry.Kind &^ wrapped)}
	data := entry.Data
	if entry.Kind&wrapped != 0 {
		at, atBytes := binary.Varint(data)
		data = data[max(0, atBytes):]
		length, lengthBytes := binary.Uvarint(data)
		if data = data[max(0, lengthBytes):]; atBytes <= 0 || lengthBytes <= 0 || length > uint64(len(data)) {
			return nil, fmt.Errorf("entry %d was not made by this store", entry.Index)
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
