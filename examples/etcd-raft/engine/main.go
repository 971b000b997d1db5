// Package main is etcd-io/raft as a WebAssembly module: a raft.RawNode with AsyncStorageWrites whose Storage is the host's log.
//
// Bytes go in through one buffer, whose place the host asks for, and come out through the import give. All are messages of
// raftpb, but for what ready gives, which is a message of its own: proto/keelson/examples/etcdraft/v1/engine.proto.
package main

import (
	"bytes"
	"io"
	"log"
	"unsafe"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

const (
	electionTicks  = 10
	heartbeatTicks = 1
	messageBytes   = 1 << 20
	inflights      = 64
	inflightBytes  = 8 << 20
	uncommitted    = 32 << 20
)

var (
	node *raft.RawNode
	in   []byte
	// Readies that a proposal had to take, to learn its place.
	taken []raft.Ready
)

func main() {}

//go:wasmexport buffer
func buffer(size uint32) unsafe.Pointer {
	if int(size) > len(in) || in == nil {
		in = make([]byte, size+1)
	}
	return unsafe.Pointer(unsafe.SliceData(in))
}

// Start makes the server from what the log holds. An error is given as text.
//
//go:wasmexport start
func start(id, applied uint64) int32 {
	made, err := raft.NewRawNode(&raft.Config{
		ID:                        id,
		Applied:                   applied,
		Storage:                   hostLog{},
		AsyncStorageWrites:        true,
		ElectionTick:              electionTicks,
		HeartbeatTick:             heartbeatTicks,
		PreVote:                   true,
		CheckQuorum:               true,
		StepDownOnRemoval:         true,
		DisableProposalForwarding: true,
		MaxSizePerMsg:             messageBytes,
		MaxCommittedSizePerReady:  messageBytes,
		MaxInflightMsgs:           inflights,
		MaxInflightBytes:          inflightBytes,
		MaxUncommittedEntriesSize: uncommitted,
		Logger:                    &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)},
	})
	if err != nil {
		panic(err)
	}
	node = made
	return 0
}

// Bootstrap begins a cluster of these members, in an empty log.
//
//go:wasmexport bootstrap
func bootstrap(size uint32) {
	state := unmarshal(size, &pb.ConfState{})
	var peers []raft.Peer
	for _, id := range state.GetVoters() {
		peers = append(peers, raft.Peer{ID: id})
	}
	if err := node.Bootstrap(peers); err != nil {
		panic(err)
	}
}

//go:wasmexport tick
func tick() { node.Tick() }

// Step takes a message of a peer, or the answer of the log or the state machine. One that does not fit is dropped.
//
//go:wasmexport step
func step(size uint32) { _ = node.Step(unmarshal(size, &pb.Message{})) }

// Propose tells the index of the entry that it became, or 0 where it was dropped.
//
//go:wasmexport propose
func propose(size uint32) uint64 { return placeOf(node.Propose(bytes.Clone(in[:size]))) }

//go:wasmexport proposeConfChange
func proposeConfChange(size uint32) uint64 {
	return placeOf(node.ProposeConfChange(unmarshal(size, &pb.ConfChangeV2{})))
}

// The last entry that is new is the one that was proposed: a Ready is the only place where its index is told.
func placeOf(err error) uint64 {
	if err != nil {
		return 0
	}
	ready := node.Ready()
	taken = append(taken, ready)
	if len(ready.Entries) == 0 {
		return 0
	}
	return ready.Entries[len(ready.Entries)-1].GetIndex()
}

// ApplyConfChange takes the entry of a change that is committed, and gives the configuration that follows.
//
//go:wasmexport applyConfChange
func applyConfChange(size uint32) {
	entry := unmarshal(size, &pb.Entry{})
	var change pb.ConfChangeI
	var err error
	if entry.GetType() == pb.EntryConfChange {
		one := &pb.ConfChange{}
		err, change = proto.Unmarshal(entry.GetData(), one), one
	} else {
		several := &pb.ConfChangeV2{}
		err, change = proto.Unmarshal(entry.GetData(), several), several
	}
	if err != nil {
		panic(err)
	}
	output(marshal(node.ApplyConfChange(change)))
}

//go:wasmexport readIndex
func readIndex(size uint32) { node.ReadIndex(bytes.Clone(in[:size])) }

//go:wasmexport transferLeader
func transferLeader(to uint64) { node.TransferLeader(to) }

//go:wasmexport reportUnreachable
func reportUnreachable(id uint64) { node.ReportUnreachable(id) }

//go:wasmexport reportSnapshot
func reportSnapshot(id uint64, isFinished uint32) {
	status := raft.SnapshotFailure
	if isFinished != 0 {
		status = raft.SnapshotFinish
	}
	node.ReportSnapshot(id, status)
}

//go:wasmexport applied
func applied() uint64 { return node.BasicStatus().Applied }

//go:wasmexport committed
func committed() uint64 { return node.BasicStatus().GetCommit() }

// Status gives the JSON of raft.Status: ids in hexadecimal, the progress of each member where this one leads.
//
//go:wasmexport status
func status() { output([]byte(node.Status().String())) }

//go:wasmexport hasReady
func hasReady() uint32 {
	if len(taken) > 0 || node.HasReady() {
		return 1
	}
	return 0
}

//go:wasmexport ready
func ready() {
	var next raft.Ready
	if len(taken) > 0 {
		next, taken = taken[0], taken[1:]
	} else {
		next = node.Ready()
	}
	var out []byte
	for _, message := range next.Messages {
		field := protowire.Number(1)
		switch message.GetType() {
		case pb.MsgStorageAppend:
			field = 2
		case pb.MsgStorageApply:
			field = 3
		}
		out = appendBytes(out, field, marshal(message))
	}
	for _, read := range next.ReadStates {
		one := appendVarint(nil, 1, read.Index)
		out = appendBytes(out, 4, appendBytes(one, 2, read.RequestCtx))
	}
	now := node.BasicStatus()
	out = appendVarint(out, 5, uint64(now.RaftState))
	out = appendVarint(out, 6, now.Lead)
	out = appendVarint(out, 7, now.GetTerm())
	out = appendVarint(out, 8, now.GetCommit())
	output(out)
}

func appendBytes(out []byte, field protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(out, field, protowire.BytesType), value)
}

func appendVarint(out []byte, field protowire.Number, value uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(out, field, protowire.VarintType), value)
}

func unmarshal[M proto.Message](size uint32, into M) M {
	if err := proto.Unmarshal(in[:size], into); err != nil {
		panic(err)
	}
	return into
}

func marshal(message proto.Message) []byte {
	encoded, err := proto.Marshal(message)
	if err != nil {
		panic(err)
	}
	return encoded
}
