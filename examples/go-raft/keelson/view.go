package keelson

import (
	"bytes"
	"maps"

	pb "keelson/examples/go-raft/keelson/v1"
)

// view is what a log holds, as far as a writer must know it. A value: its map and slice are never changed in place.
type view struct {
	// lsn of its last record.
	lsn uint64
	// first is one above last where the log is empty.
	first, last uint64
	term        uint64
	vote        string
	commit      uint64
	stable      map[string][]byte
	// snapshots are the newest first.
	snapshots []*pb.SnapshotMeta
}

func viewOf(state *pb.LogState) view {
	return view{
		lsn: state.Lsn, first: state.FirstIndex, last: state.LastIndex,
		term: state.HardState.GetTerm(), vote: state.HardState.GetVote(), commit: state.HardState.GetCommit(),
		stable: state.Stable, snapshots: state.Snapshots,
	}
}

// matches: both hold the same. Snapshots aside: the server may have fallen back to an older one.
func (v view) matches(o view) bool {
	return v.lsn == o.lsn && v.first == o.first && v.last == o.last &&
		v.term == o.term && v.vote == o.vote && v.commit == o.commit && maps.EqualFunc(v.stable, o.stable, bytes.Equal)
}

// raise sets a higher term, without a vote, and a higher commit index; nil where neither is.
func (v *view) raise(term, commit uint64) *pb.HardStateChange {
	change := &pb.HardStateChange{}
	if term > v.term {
		v.term, v.vote = term, ""
		change.Term = &term
	}
	if commit > v.commit {
		v.commit = commit
		change.Commit = &commit
	}
	if change.Term == nil && change.Commit == nil {
		return nil
	}
	return change
}

// covered is the index that the newest snapshot covers; 0 for none.
func (v *view) covered() uint64 {
	if len(v.snapshots) == 0 {
		return 0
	}
	return v.snapshots[0].Index
}

// set changes a small value; nil where it is that already.
func (v *view) set(key string, value []byte) (*pb.StableChange, uint64) {
	if held, isThere := v.stable[key]; isThere && bytes.Equal(held, value) {
		return nil, 0
	}
	own := append([]byte{}, value...)
	stable := maps.Clone(v.stable)
	if stable == nil {
		stable = map[string][]byte{}
	}
	stable[key] = own
	v.stable = stable
	return &pb.StableChange{Key: key, Value: own}, 1
}

// install has a snapshot count: the log is kept where it holds the entry, else it begins anew behind it. How many LSNs that
// takes is told.
func (v *view) install(meta *pb.SnapshotMeta, keepsLog bool) uint64 {
	var records uint64
	if len(v.snapshots) == 0 || !isSame(v.snapshots[0], meta) {
		records++
		kept := min(len(v.snapshots), snapshotsKept-1)
		v.snapshots = append([]*pb.SnapshotMeta{meta}, v.snapshots[:kept]...)
	}
	if v.raise(meta.Term, meta.Index) != nil {
		records++
	}
	if !keepsLog {
		v.first, v.last = meta.Index+1, meta.Index
	}
	return records
}

func isSame(one, other *pb.SnapshotMeta) bool {
	return one.Index == other.Index && one.Term == other.Term
}
