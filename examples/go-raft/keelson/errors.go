package keelson

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	pb "keelson/examples/go-raft/keelson/v1"
)

var (
	// ErrUnknownFate: the server does not answer, and the change may be on its stable storage or not. A leader steps down.
	ErrUnknownFate = errors.New("nobody knows whether it is on stable storage")
	// ErrLost: the log is not this process's any more. It must end; the next one opens the log anew.
	ErrLost = errors.New("the log is lost to this process")
	// ErrClosed: Close was called.
	ErrClosed = errors.New("the log was closed")
	// ErrKeyNotFound has the text that hashicorp/raft looks for.
	ErrKeyNotFound = errors.New("not found")
)

// Error is what the server said: branch on Detail.Code.
type Error struct{ Detail *pb.Error }

func (e *Error) Error() string { return e.Detail.Code + ": " + e.Detail.Message }

// told is the error of a call: the server's own, if it sent one, else that of the network.
func told(err error, trailer metadata.MD) error {
	if sent := trailer.Get("keelson-error-bin"); err != nil && len(sent) > 0 {
		detail := &pb.Error{}
		if proto.Unmarshal([]byte(sent[0]), detail) == nil {
			return &Error{detail}
		}
	}
	return err
}

// unary makes a call of one request and one answer, as soon as there is a connection.
func unary[Q, A any](
	ctx context.Context, request Q, call func(context.Context, Q, ...grpc.CallOption) (A, error),
) (A, error) {
	var trailer metadata.MD
	answer, err := call(ctx, request, grpc.Trailer(&trailer), grpc.WaitForReady(true))
	return answer, told(err, trailer)
}

// isTold: the server itself said so, it is not the network's.
func isTold(err error) bool {
	var e *Error
	return errors.As(err, &e)
}

// isOfSession: the session is not, or no more, the log's: the server began anew, or ended it.
func isOfSession(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Detail.GetArgument() == "session" && e.Detail.Code != "KEELSON_ABORTED"
}

// isTaken: another session has the log.
func isTaken(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Detail.Code == "KEELSON_LOCKED" && e.Detail.GetArgument() == "name"
}

func isDamage(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Detail.Family == "damage"
}
