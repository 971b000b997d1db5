package main

import (
	"unsafe"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// What the host answers instead of a value.
const (
	compacted              = -1
	temporarilyUnavailable = -3
)

//go:wasmimport keelson firstIndex
func hostFirstIndex() uint64

//go:wasmimport keelson lastIndex
func hostLastIndex() uint64

//go:wasmimport keelson term
func hostTerm(index uint64) int64

// These three tell how many bytes the answer has, which take then writes.
//
//go:wasmimport keelson entries
func hostEntries(lo, hi, bytesMax uint64) int32

//go:wasmimport keelson snapshot
func hostSnapshot() int32

//go:wasmimport keelson initialState
func hostInitialState() int32

//go:wasmimport keelson take
func hostTake(into unsafe.Pointer)

//go:wasmimport keelson give
func hostGive(from unsafe.Pointer, size uint32)

// hostLog is the raft.Storage that the host's log is: each method asks it, and is answered before it returns.
type hostLog struct{}

func (hostLog) InitialState() (*pb.HardState, *pb.ConfState, error) {
	state := &pb.Message{}
	if err := answer(hostInitialState(), state); err != nil {
		return nil, nil, err
	}
	hard := &pb.HardState{Term: state.Term, Vote: state.Vote, Commit: state.Commit}
	members := state.GetSnapshot().GetMetadata().GetConfState()
	if members == nil {
		members = &pb.ConfState{}
	}
	return hard, members, nil
}

func (hostLog) FirstIndex() (uint64, error) { return hostFirstIndex(), nil }

func (hostLog) LastIndex() (uint64, error) { return hostLastIndex(), nil }

func (hostLog) Term(index uint64) (uint64, error) {
	term := hostTerm(index)
	if term < 0 {
		return 0, refusal(int32(term))
	}
	return uint64(term), nil
}

func (hostLog) Entries(lo, hi, bytesMax uint64) ([]*pb.Entry, error) {
	found := &pb.Message{}
	err := answer(hostEntries(lo, hi, bytesMax), found)
	return found.GetEntries(), err
}

func (hostLog) Snapshot() (*pb.Snapshot, error) {
	snapshot := &pb.Snapshot{}
	err := answer(hostSnapshot(), snapshot)
	return snapshot, err
}

func answer(size int32, into proto.Message) error {
	if size < 0 {
		return refusal(size)
	}
	if size == 0 {
		return nil
	}
	answered := make([]byte, size)
	hostTake(unsafe.Pointer(unsafe.SliceData(answered)))
	return proto.Unmarshal(answered, into)
}

func refusal(code int32) error {
	switch code {
	case compacted:
		return raft.ErrCompacted
	case temporarilyUnavailable:
		return raft.ErrSnapshotTemporarilyUnavailable
	default:
		return raft.ErrUnavailable
	}
}

func output(value []byte) { hostGive(unsafe.Pointer(unsafe.SliceData(value)), uint32(len(value))) }
