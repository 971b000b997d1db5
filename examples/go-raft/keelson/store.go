// Package keelson keeps the log, the votes and the snapshots of hashicorp/raft on a server of keelson.v1.RaftLogService. It
// was made from that service's .proto alone.
package keelson

//go:generate ../../../node_modules/.bin/buf generate

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/hashicorp/raft"
	"google.golang.org/protobuf/proto"

	pb "keelson/examples/go-raft/keelson/v1"
)

// Store is a raft.LogStore, raft.StableStore and raft.SnapshotStore, each call of which returns when it is on stable storage.
// Two things are held back, to travel in one atom with what follows them: a deleted suffix, with the next StoreLogs, and a
// higher term, with its vote or its first entries. README.md says why Raft allows that.
type Store struct {
	*session
	// Guarded by the session's mutex, as all that follows. Entries from cut on are deleted, but there still; 0: none.
	cut uint64
	// newTerm is the term if it is above that of the log, voteTerm that of a vote whose candidate has not come.
	newTerm, voteTerm uint64
	// staged is the commit index that goes with the next entries.
	staged uint64
	// cuts counts what drops entries, so that a read under way brings back none of them.
	cuts          uint64
	recent, ahead window
	uploading     sync.Mutex
	closing       sync.Once
	closed        error
}

var (
	_ raft.LogStore               = (*Store)(nil)
	_ raft.MonotonicLogStore      = (*Store)(nil)
	_ raft.CommitTrackingLogStore = (*Store)(nil)
	_ raft.StableStore            = (*Store)(nil)
	_ raft.SnapshotStore          = (*Store)(nil)
)

// Connect takes a log of the server at target, as its one writer. It waits for the server until the context's deadline, or as
// long as patience goes.
func Connect(ctx context.Context, target string, options Options) (*Store, error) {
	s, err := openSession(ctx, target, options)
	if err != nil {
		return nil, err
	}
	return &Store{session: s}, nil
}

// Lost is closed when the log is not this process's any more: it must end, and begin anew.
func (s *Store) Lost() <-chan struct{} { return s.gone }

// Close saves what is held back, and lets the log go. Called again, it says the same.
func (s *Store) Close() error {
	s.closing.Do(func() { s.closed = errors.Join(s.flush(), s.close()) })
	return s.closed
}

// IsMonotonic: there are no holes in the log.
func (s *Store) IsMonotonic() bool { return true }

func (s *Store) FirstIndex() (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first, _ := s.boundsLocked()
	return first, s.lost
}

func (s *Store) LastIndex() (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, last := s.boundsLocked()
	return last, s.lost
}

// boundsLocked are those that hashicorp/raft sees: 0 and 0 for a log without entries.
func (s *Store) boundsLocked() (first, last uint64) {
	first, last = s.durable.first, s.durable.last
	if s.cut != 0 {
		last = s.cut - 1
	}
	if last < first {
		return 0, 0
	}
	return first, last
}

func (s *Store) GetLog(index uint64, log *raft.Log) error {
	s.mu.Lock()
	first, last := s.boundsLocked()
	found := s.recent.get(index)
	if found == nil {
		found = s.ahead.get(index)
	}
	cuts := s.cuts
	s.mu.Unlock()
	if index < first || index > last || index == 0 {
		return raft.ErrLogNotFound
	}
	if found == nil {
		// Whoever reads one entry reads those behind it: a follower that has fallen back, or a start.
		fetched, err := s.fetch(index, min(index+windowEntries/4, last+1))
		if err != nil {
			return err
		}
		found = fetched[0]
		s.mu.Lock()
		if cuts == s.cuts {
			s.ahead = window{}
			s.ahead.put(fetched)
		}
		s.mu.Unlock()
	}
	*log = *found
	return nil
}

func (s *Store) fetch(from, until uint64) ([]*raft.Log, error) {
	entries, err := s.entries(from, until, proto.Uint64(batchBytes))
	var refused *Error
	if errors.As(err, &refused) && (refused.Detail.Code == "KEELSON_COMPACTED" || refused.Detail.Code == "KEELSON_UNAVAILABLE") {
		return nil, raft.ErrLogNotFound
	}
	if err == nil && len(entries) == 0 {
		err = fmt.Errorf("no entry came of %d to %d", from, until-1)
	}
	logs := make([]*raft.Log, len(entries))
	for at, e := range entries {
		if err == nil {
			logs[at], err = logOf(e)
		}
	}
	return logs, err
}

// entries are those of the log from an index on, until the data of the next would pass bytesMax.
func (s *Store) entries(from, until uint64, bytesMax *uint64) (entries []record, err error) {
	err = s.read(func(ctx context.Context, id *pb.Session) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		entries = nil
		stream, err := s.calls.Entries(ctx, &pb.EntriesRequest{
			Name: id.Name, From: from, Until: until, BytesMax: bytesMax, Session: id,
		})
		for err == nil {
			var message *pb.EntriesResponse
			if message, err = stream.Recv(); err == io.EOF {
				return nil
			} else if err != nil {
				return told(err, stream.Trailer())
			}
			var more []record
			more, err = unpack(message.Entries)
			entries = append(entries, more...)
		}
		return err
	})
	return entries, err
}

func (s *Store) StoreLog(log *raft.Log) error { return s.StoreLogs([]*raft.Log{log}) }

// StoreLogs appends entries. Those that are there from the first index on are replaced: raft.go stores behind its last, always.
func (s *Store) StoreLogs(logs []*raft.Log) error {
	if len(logs) == 0 {
		return nil
	}
	if err := s.bridge(logs[0].Index, logs[0].Term); err != nil {
		return err
	}
	return s.save(logs)
}

// save appends entries, if there are any, and in the same atom drops what was deleted, raises a term that was held back and
// commits what was staged.
func (s *Store) save(logs []*raft.Log) error {
	s.mu.Lock()
	after := s.accepted
	save := &pb.Save{}
	from, term, commit := s.cut, s.newTerm, uint64(0)
	records := uint64(len(logs))
	if len(logs) > 0 {
		newest := logs[len(logs)-1]
		from, term, commit = logs[0].Index, max(term, newest.Term), min(s.staged, newest.Index)
		after.last = newest.Index
	} else if from != 0 && from <= after.last {
		after.last = from - 1
		records = 1
	}
	if from != 0 {
		save.TruncateFrom = &from
	}
	entries := make([]record, len(logs))
	for at, log := range logs {
		entries[at] = entryOf(log)
	}
	save.Entries = pack(entries)
	if save.HardState = after.raise(term, commit); save.HardState != nil {
		records++
	}
	c := s.queueLocked(&pb.Change{Change: &pb.Change_Save{Save: save}}, records, after)
	if from != 0 {
		s.dropReadLocked(from)
	}
	s.mu.Unlock()
	if err := s.wait(c); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = 0
	if len(logs) > 0 {
		s.recent.put(logs)
	}
	return nil
}

// flush saves what is held back.
func (s *Store) flush() error {
	s.mu.Lock()
	isHeld := s.cut != 0 || s.newTerm > s.accepted.term
	s.mu.Unlock()
	if !isHeld {
		return nil
	}
	return s.save(nil)
}

// bridge lets an empty log begin at a later index, as it does behind a snapshot that is kept elsewhere: an empty snapshot
// marks what is not there. Its term is at most that of the entry behind it.
func (s *Store) bridge(from, term uint64) error {
	s.mu.Lock()
	_, last := s.boundsLocked()
	end := s.accepted.last + 1
	if s.cut != 0 {
		end = s.cut
	}
	s.mu.Unlock()
	if from <= end {
		return nil
	}
	if last != 0 {
		return fmt.Errorf("entries begin at %d, but the log ends at %d", from, last)
	}
	return s.mark(from-1, term)
}

// dropReadLocked forgets what was read of entries that are dropped.
func (s *Store) dropReadLocked(from uint64) {
	s.cuts++
	s.recent.cut(from)
	s.ahead.cut(from)
}

// DeleteRange of the end is held back until the next StoreLogs, and seen at once; of the beginning it is a compaction, up to
// the newest snapshot, or to an empty one that marks the place where snapshots are kept elsewhere.
func (s *Store) DeleteRange(from, to uint64) error {
	s.mu.Lock()
	first, last := s.boundsLocked()
	covered := s.durable.covered()
	isAll := from <= first && to >= last
	switch {
	case last == 0 || to < first || from > last:
		s.mu.Unlock()
		return nil
	case from > first && to < last:
		s.mu.Unlock()
		return fmt.Errorf("%d to %d cannot be deleted out of the midst of %d to %d", from, to, first, last)
	case from > first, isAll && covered < first:
		s.cut = max(from, first)
	case isAll && covered < last:
		s.cut = covered + 1
	}
	if s.cut != 0 {
		s.dropReadLocked(s.cut)
	}
	s.mu.Unlock()
	if from > first {
		return nil
	}
	if !isAll && to > covered {
		var log raft.Log
		if err := s.GetLog(to, &log); err != nil {
			return err
		}
		if err := s.mark(to, log.Term); err != nil {
			return err
		}
		covered = to
	}
	return s.compact(min(to, covered))
}

func (s *Store) compact(upTo uint64) error {
	s.mu.Lock()
	if upTo < s.accepted.first {
		s.mu.Unlock()
		return nil
	}
	after := s.accepted
	after.first = upTo + 1
	c := s.queueLocked(&pb.Change{Change: &pb.Change_Compact{Compact: &pb.Compaction{UpTo: upTo}}}, 1, after)
	s.mu.Unlock()
	return s.wait(c)
}

// StageCommitIndex has it travel with the next StoreLogs.
func (s *Store) StageCommitIndex(index uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.staged = index
	return nil
}

func (s *Store) GetCommitIndex() (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, last := s.boundsLocked()
	return min(s.durable.commit, last), s.lost
}

// The keys of raft.go that are Raft's hard state.
const (
	currentTerm   = "CurrentTerm"
	lastVoteTerm  = "LastVoteTerm"
	lastVoteCand  = "LastVoteCand"
	voteBytesMax  = 255
	uint64Bytes   = 8
	prefixOfBytes = "hex:"
)

// SetUint64 holds a term back, and that of a vote, until the candidate comes.
func (s *Store) SetUint64(key []byte, value uint64) error {
	s.mu.Lock()
	term := max(s.newTerm, s.accepted.term)
	switch name := string(key); {
	case name == currentTerm && value < term, name == lastVoteTerm && value != term:
		s.mu.Unlock()
		return fmt.Errorf("%s is to be %d in term %d", name, value, term)
	case name == currentTerm:
		s.newTerm = value
	case name == lastVoteTerm:
		s.voteTerm = value
	default:
		s.mu.Unlock()
		return s.Set(key, binary.BigEndian.AppendUint64(nil, value))
	}
	defer s.mu.Unlock()
	return s.lost
}

func (s *Store) GetUint64(key []byte) (uint64, error) {
	s.mu.Lock()
	value := uint64(0)
	switch string(key) {
	case currentTerm:
		value = max(s.newTerm, s.durable.term)
	case lastVoteTerm:
		if s.durable.vote != "" {
			value = s.durable.term
		}
	default:
		s.mu.Unlock()
		found, err := s.Get(key)
		if err == nil && len(found) != uint64Bytes {
			err = fmt.Errorf("the value of %q has %d bytes, a number has 8", key, len(found))
		}
		if err != nil {
			return 0, err
		}
		return binary.BigEndian.Uint64(found), nil
	}
	defer s.mu.Unlock()
	if value == 0 {
		return 0, s.absentLocked()
	}
	return value, s.lost
}

// Set of a candidate is the vote: with its term, in one atom. Every other key is a small value of the log.
func (s *Store) Set(key, value []byte) error {
	save := &pb.Save{}
	s.mu.Lock()
	after := s.accepted
	var records uint64
	if string(key) == lastVoteCand {
		term := max(s.newTerm, after.term)
		if len(value) == 0 || len(value) > voteBytesMax || !utf8.Valid(value) || s.voteTerm != term {
			s.mu.Unlock()
			return fmt.Errorf("the candidate %q of term %d: 1 to 255 bytes of UTF-8 are kept, in term %d", value, s.voteTerm, term)
		}
		if after.term != term || after.vote != string(value) {
			records = 1
		}
		after.term, after.vote = term, string(value)
		save.HardState = &pb.HardStateChange{Term: &term, Vote: &after.vote}
		s.voteTerm = 0
	} else {
		var change *pb.StableChange
		if change, records = after.set(nameOf(key), value); change != nil {
			save.Stable = []*pb.StableChange{change}
		}
	}
	c := s.queueLocked(&pb.Change{Change: &pb.Change_Save{Save: save}}, records, after)
	s.mu.Unlock()
	return s.wait(c)
}

func (s *Store) Get(key []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if string(key) == lastVoteCand {
		if s.durable.vote == "" {
			return nil, s.absentLocked()
		}
		return []byte(s.durable.vote), s.lost
	}
	value, isThere := s.durable.stable[nameOf(key)]
	if !isThere {
		return nil, s.absentLocked()
	}
	return append([]byte{}, value...), s.lost
}

func (s *Store) absentLocked() error {
	if s.lost != nil {
		return s.lost
	}
	return ErrKeyNotFound
}

// nameOf is the name of a small value: the key, where it is text.
func nameOf(key []byte) string {
	if len(key) > 0 && utf8.Valid(key) {
		return string(key)
	}
	return fmt.Sprintf("%s%x", prefixOfBytes, key)
}
