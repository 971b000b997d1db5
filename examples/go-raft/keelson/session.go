package keelson

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/proto"

	pb "keelson/examples/go-raft/keelson/v1"
)

// batchBytes is about how much goes into one message where there are several changes; entriesMax how many entries the server
// takes in one.
const (
	batchBytes = 1 << 20
	entriesMax = 65_536
)

// Options say how a log is opened.
type Options struct {
	// Name of the log on its server.
	Name string
	// NeverCreate refuses where there is no log yet: an unmounted disk is not a fresh log.
	NeverCreate bool
	// TakeOver takes the log from a session that has it still: that of a process which was killed.
	TakeOver bool
	// Patience is how long a call waits for a server that does not answer. Default: 10 s.
	Patience time.Duration
	// Dial brings credentials. Nothing else is needed.
	Dial []grpc.DialOption
}

// change is one change of the log, from when it is asked for until its fate is known.
type change struct {
	body *pb.Change
	// after is the log as the change leaves it.
	after view
	// records is how many LSNs it takes.
	records uint64
	// isVoid: one before it was refused, so the server refuses this one; its caller was told.
	isVoid bool
	done   chan struct{}
	err    error
}

// session is the one writer of a log, over as many connections and servers as it takes.
//
// Invariants: queue holds the changes without an answer, in order of their numbers; the first `sent` of them went out on
// the stream that there is. A change leaves it when its fate is known, and no earlier: by its answer, or, where the server
// began anew, by the LSN that the log was found at. durable is the log as the last one of known fate left it, accepted as
// all of them will.
type session struct {
	calls   pb.RaftLogServiceClient
	conn    *grpc.ClientConn
	options Options
	ctx     context.Context
	cancel  context.CancelFunc
	// kick wakes who sends; ended closes when nothing runs any more; gone when the log is lost to this process.
	kick  chan struct{}
	ended chan struct{}
	gone  chan struct{}

	mu       sync.Mutex
	id       *pb.Session
	opened   *pb.OpenResponse
	queue    []*change
	sent     int
	number   uint64
	durable  view
	accepted view
	// trouble is why the last stream broke, lost why there will be none again.
	trouble error
	lost    error
}

func openSession(ctx context.Context, target string, options Options) (*session, error) {
	if options.Patience == 0 {
		options.Patience = 10 * time.Second
	}
	dial := append([]grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(1<<30), grpc.MaxCallSendMsgSize(1<<30)),
		// Of its own accord grpc-go waits up to two minutes before it tries again; a server that began anew is there at once.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 20 * time.Millisecond, Multiplier: 2, Jitter: 0.5, MaxDelay: time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second}),
	}, options.Dial...)
	conn, err := grpc.NewClient(target, dial...)
	if err != nil {
		return nil, err
	}
	own, cancel := context.WithCancel(context.Background())
	s := &session{
		calls: pb.NewRaftLogServiceClient(conn), conn: conn, options: options, ctx: own, cancel: cancel,
		kick: make(chan struct{}, 1), ended: make(chan struct{}), gone: make(chan struct{}),
	}
	if _, isBounded := ctx.Deadline(); !isBounded {
		var done context.CancelFunc
		ctx, done = context.WithTimeout(ctx, options.Patience)
		defer done()
	}
	if s.id, s.opened, err = s.open(ctx, options.TakeOver); err != nil {
		cancel()
		conn.Close()
		return nil, err
	}
	s.durable = viewOf(s.opened.State)
	s.accepted = s.durable
	go s.run()
	return s, nil
}

// open repeats one Open, with the same id, until it is answered: the answer is then the same one.
func (s *session) open(ctx context.Context, takeOver bool) (*pb.Session, *pb.OpenResponse, error) {
	request := &pb.OpenRequest{
		Name: s.options.Name, SessionId: randomID(), TakeOver: takeOver,
		Options: &pb.OpenOptions{SnapshotsKept: proto.Uint64(snapshotsKept), NeverCreate: s.options.NeverCreate},
	}
	for attempt := 0; ; attempt++ {
		opened, err := unary(ctx, request, s.calls.Open)
		if err == nil {
			return &pb.Session{Name: request.Name, Id: request.SessionId, Epoch: opened.Epoch}, opened, nil
		}
		if isTold(err) || !pause(ctx, attempt) {
			return nil, nil, fmt.Errorf("opening %s: %w", request.Name, err)
		}
	}
}

// queueLocked takes a change, which leaves the log as `after` says.
func (s *session) queueLocked(body *pb.Change, records uint64, after view) *change {
	c := &change{body: body, records: records, after: after, done: make(chan struct{})}
	if err := s.refusalLocked(body); err != nil {
		c.fail(err)
		return c
	}
	c.after.lsn = s.accepted.lsn + records
	body.FollowsLsn = proto.Uint64(s.accepted.lsn)
	s.number++
	body.Number = s.number
	s.accepted = c.after
	s.queue = append(s.queue, c)
	s.wake()
	return c
}

func (s *session) refusalLocked(body *pb.Change) error {
	if s.lost != nil {
		return s.lost
	}
	// What is larger than a message would break each stream that it is sent on.
	if bytes := uint64(proto.Size(body)) + 1024; bytes > s.opened.MessageBytesMax {
		return fmt.Errorf("a change of %d bytes, the server takes %d; nothing was saved", bytes, s.opened.MessageBytesMax)
	}
	if entries := entryCount(body); entries > entriesMax {
		return fmt.Errorf("a change of %d entries, the server takes %d; nothing was saved", entries, entriesMax)
	}
	return nil
}

// wait returns when the fate of a change is known, or patience is over: then ErrUnknownFate. It stays in its place, and is
// settled before anything behind it.
func (s *session) wait(c *change) error {
	timer := time.NewTimer(s.options.Patience)
	defer timer.Stop()
	select {
	case <-c.done:
		return c.err
	case <-timer.C:
		s.mu.Lock()
		defer s.mu.Unlock()
		return fmt.Errorf("%w: no answer for %v, last heard: %v", ErrUnknownFate, s.options.Patience, s.trouble)
	}
}

func (c *change) fail(err error) {
	if !c.isVoid {
		c.err = err
		close(c.done)
	}
}

func (s *session) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// run connects, and connects again, until the session is closed or lost.
func (s *session) run() {
	defer close(s.ended)
	for attempt := 0; s.ctx.Err() == nil; attempt++ {
		err := s.stream(func() { attempt = 0 })
		if isOfSession(err) {
			err = s.reopen()
		}
		s.mu.Lock()
		s.trouble = err
		lost := s.lost != nil
		s.mu.Unlock()
		if lost {
			return
		}
		if err != nil {
			pause(s.ctx, attempt)
		}
	}
}

// stream is one connection, from its first message to its end; onTaken hears that the server takes it.
func (s *session) stream(onTaken func()) error {
	ctx, cancel := context.WithCancel(s.ctx)
	sender := make(chan struct{})
	stream, err := s.calls.SaveStream(ctx, grpc.WaitForReady(true))
	if err != nil {
		cancel()
		return err
	}
	go func() {
		defer close(sender)
		s.send(ctx, stream)
	}()
	// Who feeds a stream that is no more must take nothing that the next one is to send.
	defer func() {
		cancel()
		<-sender
	}()
	for isDecided := true; ; {
		message, err := stream.Recv()
		if err != nil {
			return told(err, stream.Trailer())
		}
		onTaken()
		// Behind an answer of unknown fate the stream ends, and opening the log again decides.
		if isDecided {
			isDecided = s.take(message.Answers)
		}
	}
}

func (s *session) send(ctx context.Context, stream pb.RaftLogService_SaveStreamClient) {
	s.mu.Lock()
	s.sent = 0
	message := &pb.SaveStreamRequest{Session: s.id}
	s.mu.Unlock()
	// That a stream takes no more is told by Recv.
	for stream.Send(message) == nil {
		message = &pb.SaveStreamRequest{Changes: s.nextBatch()}
		for len(message.Changes) == 0 {
			select {
			case <-s.kick:
			case <-ctx.Done():
				return
			}
			message.Changes = s.nextBatch()
		}
	}
}

func (s *session) nextBatch() (batch []*pb.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bytes, entries := 0, 0
	for ; s.sent < len(s.queue) && s.sent < int(s.opened.WindowChanges); s.sent++ {
		body := s.queue[s.sent].body
		bytes += proto.Size(body)
		entries += entryCount(body)
		if len(batch) > 0 && (bytes > batchBytes || entries > entriesMax) {
			break
		}
		body.Answered = s.queue[0].body.Number - 1
		batch = append(batch, body)
	}
	return batch
}

func entryCount(body *pb.Change) int {
	return len(body.GetSave().GetEntries().GetSizes())
}

// take settles what was answered; false: an answer left a fate open.
func (s *session) take(answers []*pb.Answer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, answer := range answers {
		if len(s.queue) == 0 || s.queue[0].body.Number != answer.Number {
			s.loseLocked(fmt.Errorf("the server answered change %d, which is not the next", answer.Number))
			return false
		}
		c := s.queue[0]
		saved, failure := answer.GetSaved(), answer.GetError()
		switch {
		case saved != nil && (saved.Lsn != c.after.lsn || saved.LastIndex != c.after.last):
			s.loseLocked(fmt.Errorf("the server answered LSN %d and index %d, expected %d and %d",
				saved.Lsn, saved.LastIndex, c.after.lsn, c.after.last))
			return false
		case saved != nil || failure.GetFate() == pb.Fate_FATE_PERSISTED:
			s.landLocked()
		case failure.GetFate() == pb.Fate_FATE_UNKNOWN:
			return false
		default:
			s.refuseLocked(&Error{failure})
		}
	}
	// There is room in the window.
	s.wake()
	return true
}

func (s *session) popLocked() *change {
	c := s.queue[0]
	s.queue = s.queue[1:]
	s.sent = max(0, s.sent-1)
	return c
}

func (s *session) landLocked() {
	c := s.popLocked()
	if !c.isVoid {
		s.durable = c.after
		close(c.done)
	}
}

// refuseLocked fails the first change, and those behind it, which were to follow what is not there: the server refuses
// those that it was sent, by their follows_lsn, and the others are taken back. One that takes no LSN takes nothing along.
func (s *session) refuseLocked(err error) {
	first := s.popLocked()
	first.fail(err)
	if first.isVoid || first.records == 0 {
		return
	}
	for at, c := range s.queue {
		c.fail(fmt.Errorf("a change before it was refused: %w", err))
		c.isVoid = true
		if at >= s.sent {
			s.number--
		}
	}
	s.queue = s.queue[:s.sent]
	s.accepted = s.durable
}

// reopen opens the log again, which nobody has any more. What the server finds decides the fate of what it had not
// answered, as long as nobody wrote meanwhile: the epoch is then the very next.
func (s *session) reopen() error {
	id, opened, err := s.open(s.ctx, false)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		if isTaken(err) || isDamage(err) {
			s.loseLocked(err)
		}
		return err
	}
	if opened.Epoch != s.id.Epoch+1 {
		s.loseLocked(fmt.Errorf("%s has epoch %d, expected %d: another had it", id.Name, opened.Epoch, s.id.Epoch+1))
		return s.lost
	}
	s.id, s.opened = id, opened
	s.settleLocked(opened.State)
	return s.lost
}

func (s *session) settleLocked(state *pb.LogState) {
	for len(s.queue) > 0 && (s.queue[0].isVoid || s.queue[0].after.lsn <= state.Lsn) {
		s.landLocked()
	}
	found := viewOf(state)
	if !s.durable.matches(found) {
		s.loseLocked(fmt.Errorf("the log is at LSN %d, %d was acknowledged: was its directory put back?", found.lsn, s.durable.lsn))
		return
	}
	s.durable.snapshots = found.snapshots
	s.number, s.sent = 0, 0
	for _, c := range s.queue {
		s.number++
		c.body.Number = s.number
	}
}

// loseLocked ends the session for good: another has the log, or what is there is not what this process left.
func (s *session) loseLocked(err error) {
	s.lost = fmt.Errorf("%w: %w", ErrLost, err)
	for _, c := range s.queue {
		c.fail(s.lost)
	}
	s.queue, s.sent = nil, 0
	s.cancel()
	close(s.gone)
}

// read makes a call that changes nothing, again where the connection or the server is lost, for as long as patience goes.
func (s *session) read(call func(ctx context.Context, id *pb.Session) error) error {
	until := time.Now().Add(s.options.Patience)
	for attempt := 0; ; attempt++ {
		s.mu.Lock()
		id, lost := s.id, s.lost
		s.mu.Unlock()
		if lost != nil {
			return lost
		}
		err := call(s.ctx, id)
		if err == nil || isTold(err) && !isOfSession(err) || time.Now().After(until) || !pause(s.ctx, attempt) {
			return err
		}
	}
}

// close waits for what was taken, and lets the log go.
func (s *session) close() error {
	s.mu.Lock()
	var last *change
	if len(s.queue) > 0 {
		last = s.queue[len(s.queue)-1]
	}
	s.mu.Unlock()
	var err error
	if last != nil {
		err = s.wait(last)
	}
	s.cancel()
	<-s.ended
	s.mu.Lock()
	s.lost = errors.Join(s.lost, ErrClosed)
	s.mu.Unlock()
	ctx, done := context.WithTimeout(context.Background(), s.options.Patience)
	defer done()
	_, closed := s.calls.Close(ctx, &pb.CloseRequest{Session: s.id})
	s.conn.Close()
	if err == nil {
		err = closed
	}
	return err
}

func randomID() []byte {
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	return id
}

// pause waits as long as that attempt should: twice as long each time, up to a second, and a random half of it.
func pause(ctx context.Context, attempt int) bool {
	wait := min(time.Second, 10*time.Millisecond<<min(attempt, 10))
	select {
	case <-time.After(wait/2 + mathrand.N(wait/2)):
		return true
	case <-ctx.Done():
		return false
	}
}
