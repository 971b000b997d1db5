package keelson

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/hashicorp/raft"
	"google.golang.org/protobuf/proto"

	pb "keelson/examples/go-raft/keelson/v1"
)

const (
	// snapshotsKept is one more than is needed: the newest may be found damaged.
	snapshotsKept = 2
	pieceBytes    = 128 << 10
)

// described is what a snapshot of hashicorp/raft has beside its index and term: it travels as `conf`. An empty conf is that
// of a mark, which is no snapshot of the host's.
type described struct {
	Version            raft.SnapshotVersion
	Configuration      raft.Configuration
	ConfigurationIndex uint64
}

func idOf(meta *pb.SnapshotMeta) string { return fmt.Sprintf("%d-%d", meta.Term, meta.Index) }

func metaOf(meta *pb.SnapshotMeta) (*raft.SnapshotMeta, error) {
	var d described
	if err := json.Unmarshal(meta.Conf, &d); err != nil {
		return nil, fmt.Errorf("the snapshot %s was not made by this store: %w", idOf(meta), err)
	}
	return &raft.SnapshotMeta{
		Version: d.Version, ID: idOf(meta), Index: meta.Index, Term: meta.Term,
		Configuration: d.Configuration, ConfigurationIndex: d.ConfigurationIndex, Size: int64(meta.Bytes),
	}, nil
}

// List has the newest first.
func (s *Store) List() ([]*raft.SnapshotMeta, error) {
	s.mu.Lock()
	kept, lost := s.durable.snapshots, s.lost
	s.mu.Unlock()
	metas := []*raft.SnapshotMeta{}
	for _, meta := range kept {
		if len(meta.Conf) == 0 {
			continue
		}
		one, err := metaOf(meta)
		if err != nil {
			return nil, err
		}
		metas = append(metas, one)
	}
	return metas, lost
}

// Create begins a snapshot: one of this server's own, of a leader, or of a user. It waits for one that is under way.
func (s *Store) Create(version raft.SnapshotVersion, index, term uint64, configuration raft.Configuration,
	configurationIndex uint64, _ raft.Transport,
) (raft.SnapshotSink, error) {
	conf, err := json.Marshal(described{version, configuration, configurationIndex})
	if err != nil {
		return nil, err
	}
	return s.install(index, term, conf)
}

// mark has an empty snapshot stand for what is kept elsewhere, so that entries up to an index can go.
func (s *Store) mark(index, term uint64) error {
	k, err := s.install(index, term, nil)
	if err != nil {
		return err
	}
	if err := k.Close(); err != nil {
		return err
	}
	return s.compact(index)
}

// sink is a snapshot on its way. Its data is held at the server until a change of the session makes it count, since a number
// that waited for the data would keep all changes waiting behind it.
type sink struct {
	store    *Store
	meta     *pb.SnapshotMeta
	keepsLog bool
	uploadID []byte
	stream   pb.RaftLogService_InstallSnapshotClient
	cancel   context.CancelFunc
	piece    []byte
	isOver   bool
}

func (s *Store) install(index, term uint64, conf []byte) (*sink, error) {
	s.uploading.Lock()
	k, err := s.begin(&pb.SnapshotMeta{Index: index, Term: term, Conf: conf})
	if err != nil {
		if k != nil {
			k.cancel()
		}
		s.uploading.Unlock()
	}
	return k, err
}

func (s *Store) begin(meta *pb.SnapshotMeta) (*sink, error) {
	// What the snapshot is judged against must be there.
	if err := s.flush(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	after, id := s.accepted, s.id
	s.mu.Unlock()
	k := &sink{store: s, meta: meta, uploadID: randomID()}
	if len(after.snapshots) > 0 && isSame(after.snapshots[0], meta) {
		// The server takes it for the same, and lets its data go.
		if !bytes.Equal(after.snapshots[0].Conf, meta.Conf) {
			return nil, fmt.Errorf("a snapshot %s is there with another configuration", idOf(meta))
		}
		k.keepsLog = true
	} else {
		var log raft.Log
		err := s.GetLog(meta.Index, &log)
		if err != nil && err != raft.ErrLogNotFound {
			return nil, err
		}
		k.keepsLog = err == nil && log.Term == meta.Term
	}
	var ctx context.Context
	ctx, k.cancel = context.WithCancel(s.ctx)
	stream, err := s.calls.InstallSnapshot(ctx)
	if err != nil {
		k.cancel()
		return nil, err
	}
	k.stream = stream
	return k, k.send(&pb.InstallSnapshotRequest{Part: &pb.InstallSnapshotRequest_Install{Install: &pb.InstalledSnapshot{
		Upload:    &pb.SnapshotUpload{Session: id, UploadId: k.uploadID, Index: meta.Index, Conf: meta.Conf, IsHeld: true},
		Term:      meta.Term,
		HardState: after.raise(meta.Term, 0),
	}}})
}

func (k *sink) ID() string { return idOf(k.meta) }

func (k *sink) Write(data []byte) (int, error) {
	k.piece = append(k.piece, data...)
	for len(k.piece) >= pieceBytes {
		if err := k.sendPiece(pieceBytes); err != nil {
			return 0, err
		}
	}
	return len(data), nil
}

func (k *sink) sendPiece(bytes int) error {
	data := append([]byte{}, k.piece[:bytes]...)
	k.piece = append(k.piece[:0], k.piece[bytes:]...)
	k.meta.Bytes += uint64(bytes)
	piece := &pb.SnapshotPiece{Data: data, Checksum: crc32.ChecksumIEEE(data)}
	return k.send(&pb.InstallSnapshotRequest{Part: &pb.InstallSnapshotRequest_Piece{Piece: piece}})
}

// send tells what the server ended the stream for.
func (k *sink) send(message *pb.InstallSnapshotRequest) error {
	err := k.stream.Send(message)
	if err == io.EOF {
		_, err = k.stream.CloseAndRecv()
		err = told(err, k.stream.Trailer())
	}
	return err
}

// Close has the snapshot count, on stable storage.
func (k *sink) Close() error {
	if k.isOver {
		return nil
	}
	defer k.end()
	if len(k.piece) > 0 {
		if err := k.sendPiece(len(k.piece)); err != nil {
			return err
		}
	}
	end := &pb.SnapshotEnd{Bytes: k.meta.Bytes}
	if err := k.send(&pb.InstallSnapshotRequest{Part: &pb.InstallSnapshotRequest_End{End: end}}); err != nil {
		return err
	}
	if _, err := k.stream.CloseAndRecv(); err != nil {
		return told(err, k.stream.Trailer())
	}
	s := k.store
	s.mu.Lock()
	after := s.accepted
	records := after.install(k.meta, k.keepsLog)
	publish := &pb.Change_Publish{Publish: &pb.PublishSnapshot{UploadId: k.uploadID}}
	c := s.queueLocked(&pb.Change{Change: publish}, records, after)
	if !k.keepsLog {
		s.dropReadLocked(0)
	}
	s.mu.Unlock()
	return s.wait(c)
}

// Cancel lets the server drop what it has.
func (k *sink) Cancel() error {
	if !k.isOver {
		k.end()
	}
	return nil
}

func (k *sink) end() {
	k.isOver = true
	k.cancel()
	k.store.uploading.Unlock()
}

// Open reads a snapshot that is kept, each piece held against its checksum, and goes on where a connection breaks.
func (s *Store) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	s.mu.Lock()
	kept := s.durable.snapshots
	s.mu.Unlock()
	for _, meta := range kept {
		if idOf(meta) == id && len(meta.Conf) > 0 {
			told, err := metaOf(meta)
			d := &download{store: s, meta: meta, cancel: func() {}}
			if err == nil {
				err = d.begin()
			}
			return told, d, err
		}
	}
	return nil, nil, fmt.Errorf("no snapshot %s is kept", id)
}

type download struct {
	store  *Store
	meta   *pb.SnapshotMeta
	stream pb.RaftLogService_OpenSnapshotClient
	cancel context.CancelFunc
	offset uint64
	piece  []byte
}

// begin opens the stream behind what has come.
func (d *download) begin() error {
	return d.store.read(func(ctx context.Context, id *pb.Session) error {
		d.cancel()
		ctx, d.cancel = context.WithCancel(ctx)
		request := &pb.OpenSnapshotRequest{Name: id.Name, Index: proto.Uint64(d.meta.Index), Offset: d.offset, Session: id}
		stream, err := d.store.calls.OpenSnapshot(ctx, request)
		if err != nil {
			return err
		}
		first, err := stream.Recv()
		if err != nil {
			return told(err, stream.Trailer())
		}
		if found := first.GetSnapshot(); found == nil || !isSame(found, d.meta) {
			return fmt.Errorf("the snapshot %s is not there any more", idOf(d.meta))
		}
		d.stream = stream
		return nil
	})
}

func (d *download) Read(into []byte) (int, error) {
	for len(d.piece) == 0 {
		if d.offset == d.meta.Bytes {
			return 0, io.EOF
		}
		message, err := d.stream.Recv()
		if err != nil {
			if err = told(err, d.stream.Trailer()); isTold(err) && !isOfSession(err) {
				return 0, err
			}
			if err = d.begin(); err != nil {
				return 0, err
			}
			continue
		}
		piece := message.GetPiece()
		if crc32.ChecksumIEEE(piece.GetData()) != piece.GetChecksum() {
			return 0, fmt.Errorf("the snapshot %s changed on its way at byte %d", idOf(d.meta), d.offset)
		}
		d.piece = piece.GetData()
		d.offset += uint64(len(d.piece))
	}
	n := copy(into, d.piece)
	d.piece = d.piece[n:]
	return n, nil
}

func (d *download) Close() error {
	d.cancel()
	return nil
}
