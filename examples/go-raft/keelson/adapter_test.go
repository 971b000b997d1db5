// The cases that every client of the service is judged by (docs/wire-conformance.md). This very program is the adapter, when
// it finds an address in its environment. Its saves are of all kinds, not those of a Raft alone, so it counts their LSNs as
// the .proto says, against what the server last said of the log: a wrong count ends the session.
package keelson

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"os/exec"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "keelson/examples/go-raft/keelson/v1"
)

func TestWireConformance(t *testing.T) {
	own, err := os.Executable()
	must(t, err)
	said, err := exec.Command("node", command, "conformance", "--", own).CombinedOutput()
	t.Log(string(said))
	must(t, err)
}

type hardState struct {
	Term   *uint64         `json:"term"`
	Vote   json.RawMessage `json:"vote"`
	Commit *uint64         `json:"commit"`
}

type line struct {
	ID           int               `json:"id"`
	Call         string            `json:"call"`
	Log          string            `json:"log"`
	Name         string            `json:"name"`
	Create       string            `json:"create"`
	TakeOver     bool              `json:"takeOver"`
	TruncateFrom *uint64           `json:"truncateFrom"`
	Entries      []record          `json:"entries"`
	HardState    *hardState        `json:"hardState"`
	Stable       map[string][]byte `json:"stable"`
	Index        *uint64           `json:"index"`
	Term         uint64            `json:"term"`
	From         uint64            `json:"from"`
	Until        uint64            `json:"until"`
	BytesMax     *uint64           `json:"bytesMax"`
	Conf         []byte            `json:"conf"`
	Data         []byte            `json:"data"`
	UpTo         uint64            `json:"upTo"`
}

type object = map[string]any

// handle is a log that `open` made. What changes it waits for what is before it, since the count of one needs its outcome.
type handle struct {
	*Store
	turn chan struct{}
}

func adapt(address string) {
	var (
		logs  sync.Map
		write sync.Mutex
		ahead = make(chan struct{})
	)
	close(ahead)
	requests := bufio.NewScanner(os.Stdin)
	requests.Buffer(nil, 1<<28)
	for requests.Scan() {
		var asked line
		if err := json.Unmarshal(requests.Bytes(), &asked); err != nil {
			panic(err)
		}
		before, mine := ahead, make(chan struct{})
		if isChange := asked.Call == "save" || asked.Call == "compact" || len(asked.Conf) > 0 || asked.Call == "createSnapshot"; isChange {
			ahead = mine
		}
		go func() {
			defer close(mine)
			answer := object{"id": asked.ID}
			if asked.Call == "open" {
				store, err := Connect(context.Background(), address, Options{
					Name: asked.Name, TakeOver: asked.TakeOver, NeverCreate: asked.Create == "never",
					Dial: []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())},
				})
				answerWith(answer, object{}, err)
				if err == nil {
					logs.Store(asked.Log, &handle{Store: store})
				}
			} else if found, isOpen := logs.Load(asked.Log); isOpen {
				if ahead != before {
					<-before
				}
				found.(*handle).answer(&asked, answer)
			} else {
				answer["ok"] = object{}
			}
			text, err := json.Marshal(answer)
			if err != nil {
				panic(err)
			}
			write.Lock()
			defer write.Unlock()
			fmt.Println(string(text))
		}()
	}
}

func answerWith(answer, ok object, err error) {
	var said *Error
	switch {
	case err == nil:
		answer["ok"] = ok
	case errors.Is(err, ErrClosed):
		answer["error"] = object{"code": "KEELSON_CLOSED"}
	case errors.Is(err, ErrLost):
		answer["error"] = object{"code": "KEELSON_FENCED"}
	case errors.Is(err, ErrUnknownFate):
		answer["error"] = object{"code": "KEELSON_FATE_UNKNOWN", "fate": "unknown"}
	case errors.As(err, &said):
		answer["error"] = object{"code": said.Detail.Code, "message": said.Detail.Message}
	default:
		answer["error"] = object{"code": "INTERNAL", "message": err.Error()}
	}
}

func (h *handle) answer(asked *line, answer object) {
	ok, err := object{}, error(nil)
	switch asked.Call {
	case "close":
		err = h.Close()
	case "save":
		ok, err = h.save(asked)
	case "compact":
		err = h.Store.compact(asked.UpTo)
		if err == nil && asked.UpTo > h.durable.covered() {
			err = errors.New("it was compacted beyond the snapshot")
		}
	case "state":
		ok, err = h.state()
	case "term":
		ok, err = h.term(*asked.Index)
	case "entries":
		ok, err = h.entriesOf(asked)
	case "createSnapshot", "installSnapshot":
		ok, err = h.upload(asked)
	case "openSnapshot":
		ok, err = h.openSnapshot(asked.Index)
	case "verify":
		ok, err = h.verify()
	case "fenced":
		<-h.Lost()
		ok = object{"code": "KEELSON_FENCED"}
	default:
		answer["unsupported"] = true
		return
	}
	answerWith(answer, ok, err)
}

// held is what the server says of the log.
func (h *handle) held() (state *pb.LogState, err error) {
	err = h.read(func(ctx context.Context, id *pb.Session) error {
		answer, err := unary(ctx, &pb.GetStateRequest{Name: id.Name}, h.calls.GetState)
		state = answer.GetState()
		return err
	})
	return state, err
}

func termAt(state *pb.LogState, index uint64) (term uint64) {
	for _, run := range state.TermRuns {
		if run.Index <= index {
			term = run.Term
		}
	}
	return term
}

func (h *handle) change(body *pb.Change, records uint64, after view) error {
	h.mu.Lock()
	c := h.queueLocked(body, records, after)
	h.mu.Unlock()
	return h.wait(c)
}

func (h *handle) save(asked *line) (object, error) {
	state, err := h.held()
	if err != nil {
		return nil, err
	}
	save := &pb.Save{TruncateFrom: asked.TruncateFrom, Entries: pack(asked.Entries)}
	for key, value := range asked.Stable {
		save.Stable = append(save.Stable, &pb.StableChange{Key: key, Value: value})
	}
	if asked.HardState != nil {
		if save.HardState, err = asked.HardState.message(); err != nil {
			return nil, err
		}
	}
	after := viewOf(state)
	records := after.count(state, save, asked.Entries)
	err = h.change(&pb.Change{Change: &pb.Change_Save{Save: save}}, records, after)
	return object{"lastIndex": after.last}, err
}

func (s *hardState) message() (*pb.HardStateChange, error) {
	change := &pb.HardStateChange{Term: s.Term, Commit: s.Commit, ClearsVote: string(s.Vote) == "null"}
	if s.Vote == nil || change.ClearsVote {
		return change, nil
	}
	return change, json.Unmarshal(s.Vote, &change.Vote)
}

// count is how many LSNs a save takes, and makes the view that of the log behind it.
func (v *view) count(state *pb.LogState, save *pb.Save, entries []record) (records uint64) {
	keep := v.last + 1
	if save.TruncateFrom != nil {
		keep = min(keep, *save.TruncateFrom)
	}
	for len(entries) > 0 && (entries[0].Index < v.first || entries[0].Index < keep && termAt(state, entries[0].Index) == entries[0].Term) {
		entries = entries[1:]
	}
	switch {
	case len(entries) > 0:
		records = uint64(len(entries))
		v.last = entries[len(entries)-1].Index
	case keep <= v.last:
		records = 1
		v.last = keep - 1
	}
	if v.merge(save.HardState) {
		records++
	}
	stable := maps.Clone(v.stable)
	if stable == nil {
		stable = map[string][]byte{}
	}
	for _, change := range save.Stable {
		if change.Value == nil {
			delete(stable, change.Key)
		} else {
			stable[change.Key] = change.Value
		}
	}
	before := *v
	if v.stable = stable; !before.matches(*v) {
		records++
	}
	return records
}

// merge is true where the hard state is then not what it was.
func (v *view) merge(change *pb.HardStateChange) bool {
	before := *v
	if change.GetTerm() > v.term {
		v.term, v.vote = change.GetTerm(), ""
	}
	if change != nil && change.Vote != nil {
		v.vote = *change.Vote
	}
	if change.GetCommit() > v.covered() {
		v.commit = change.GetCommit()
	}
	return before.term != v.term || before.vote != v.vote || before.commit != v.commit
}

func (h *handle) state() (object, error) {
	state, err := h.held()
	if err != nil {
		return nil, err
	}
	stable, snapshots := object{}, []object{}
	for key, value := range state.Stable {
		stable[key] = append([]byte{}, value...)
	}
	for _, meta := range state.Snapshots {
		snapshots = append(snapshots, plain(meta))
	}
	hard := object{"term": state.HardState.GetTerm(), "vote": nil, "commit": state.HardState.GetCommit()}
	if state.HardState.GetVote() != "" {
		hard["vote"] = state.HardState.GetVote()
	}
	return object{
		"firstIndex": state.FirstIndex, "lastIndex": state.LastIndex, "lastTerm": termAt(state, state.LastIndex),
		"hardState": hard, "stable": stable, "snapshots": snapshots,
	}, nil
}

func plain(meta *pb.SnapshotMeta) object {
	return object{"index": meta.Index, "term": meta.Term, "conf": append([]byte{}, meta.Conf...), "bytes": meta.Bytes}
}

func (h *handle) term(index uint64) (object, error) {
	state, err := h.held()
	switch {
	case err != nil:
		return nil, err
	case index+1 < state.FirstIndex:
		return nil, &Error{&pb.Error{Code: "KEELSON_COMPACTED"}}
	case index > state.LastIndex:
		return nil, &Error{&pb.Error{Code: "KEELSON_UNAVAILABLE"}}
	}
	return object{"term": termAt(state, index)}, nil
}

func (h *handle) entriesOf(asked *line) (object, error) {
	found := []object{}
	entries, err := h.entries(asked.From, asked.Until, asked.BytesMax)
	for _, e := range entries {
		found = append(found, object{"index": e.Index, "term": e.Term, "kind": e.Kind, "data": append([]byte{}, e.Data...)})
	}
	return object{"entries": found}, err
}

func (h *handle) upload(asked *line) (object, error) {
	state, err := h.held()
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	id := h.id
	h.mu.Unlock()
	upload := &pb.SnapshotUpload{Session: id, UploadId: randomID(), Index: *asked.Index, Conf: asked.Conf, IsHeld: true}
	meta := &pb.SnapshotMeta{Index: *asked.Index, Term: asked.Term, Conf: asked.Conf, Bytes: uint64(len(asked.Data))}
	end := &pb.SnapshotEnd{Bytes: meta.Bytes}
	pieces := []*pb.SnapshotPiece{}
	for data := asked.Data; len(data) > 0; data = data[min(len(data), pieceBytes):] {
		piece := data[:min(len(data), pieceBytes)]
		pieces = append(pieces, &pb.SnapshotPiece{Data: piece, Checksum: crc32.ChecksumIEEE(piece)})
	}
	after := viewOf(state)
	hardBefore := after
	if asked.Call == "createSnapshot" {
		meta.Term = termAt(state, meta.Index)
		stream, err := h.calls.CreateSnapshot(h.ctx)
		if err != nil {
			return nil, err
		}
		_ = stream.Send(&pb.CreateSnapshotRequest{Part: &pb.CreateSnapshotRequest_Upload{Upload: upload}})
		for _, piece := range pieces {
			_ = stream.Send(&pb.CreateSnapshotRequest{Part: &pb.CreateSnapshotRequest_Piece{Piece: piece}})
		}
		_ = stream.Send(&pb.CreateSnapshotRequest{Part: &pb.CreateSnapshotRequest_End{End: end}})
		if _, err = stream.CloseAndRecv(); err != nil {
			return nil, told(err, stream.Trailer())
		}
	} else {
		install := &pb.InstalledSnapshot{Upload: upload, Term: meta.Term}
		if asked.HardState != nil {
			if install.HardState, err = asked.HardState.message(); err != nil {
				return nil, err
			}
			after.merge(install.HardState)
		}
		stream, err := h.calls.InstallSnapshot(h.ctx)
		if err != nil {
			return nil, err
		}
		_ = stream.Send(&pb.InstallSnapshotRequest{Part: &pb.InstallSnapshotRequest_Install{Install: install}})
		for _, piece := range pieces {
			_ = stream.Send(&pb.InstallSnapshotRequest{Part: &pb.InstallSnapshotRequest_Piece{Piece: piece}})
		}
		_ = stream.Send(&pb.InstallSnapshotRequest{Part: &pb.InstallSnapshotRequest_End{End: end}})
		if _, err = stream.CloseAndRecv(); err != nil {
			return nil, told(err, stream.Trailer())
		}
	}
	keepsLog := meta.Index <= state.LastIndex && meta.Index+1 >= state.FirstIndex && termAt(state, meta.Index) == meta.Term
	isMerged := hardBefore.term != after.term || hardBefore.vote != after.vote || hardBefore.commit != after.commit
	isRaised := after.commit < meta.Index || after.term < meta.Term
	records := after.install(meta, keepsLog)
	if isMerged && !isRaised {
		records++
	}
	publish := &pb.Change_Publish{Publish: &pb.PublishSnapshot{UploadId: upload.UploadId}}
	return plain(meta), h.change(&pb.Change{Change: publish}, records, after)
}

func (h *handle) openSnapshot(index *uint64) (object, error) {
	state, err := h.held()
	if err != nil {
		return nil, err
	}
	for _, meta := range state.Snapshots {
		if index != nil && *index != meta.Index {
			continue
		}
		d := &download{store: h.Store, meta: meta, cancel: func() {}}
		if err := d.begin(); err != nil {
			return nil, err
		}
		defer d.Close()
		data, err := io.ReadAll(d)
		return object{"snapshot": plain(meta), "data": data}, err
	}
	return object{"snapshot": nil}, nil
}

func (h *handle) verify() (report object, err error) {
	err = h.read(func(ctx context.Context, id *pb.Session) error {
		stream, err := h.calls.Verify(ctx, &pb.VerifyRequest{Name: id.Name})
		for err == nil {
			var message *pb.VerifyResponse
			if message, err = stream.Recv(); err == io.EOF {
				return nil
			}
			if text := message.GetReportJson(); text != "" {
				err = json.Unmarshal([]byte(text), &report)
			}
		}
		return told(err, stream.Trailer())
	})
	return report, err
}
