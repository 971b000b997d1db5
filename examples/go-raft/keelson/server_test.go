// Tests run against `keelson serve` of this repository, built: npm run build.
package keelson

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

const command = "../../../dist/src/cli/main.js"

// server is a log server that can be killed, and started again at the same place.
type server struct {
	root, address string
	running       *exec.Cmd
}

var common *server

func TestMain(m *testing.M) {
	if address := os.Getenv("KEELSON_ADDRESS"); address != "" {
		adapt(address)
		return
	}
	root, err := os.MkdirTemp("", "keelson-go-")
	if err != nil {
		panic(err)
	}
	common = &server{root: root}
	common.start()
	code := m.Run()
	common.kill()
	os.RemoveAll(root)
	os.Exit(code)
}

func (s *server) start() {
	port := "0"
	if s.address != "" {
		_, port, _ = net.SplitHostPort(s.address)
	}
	s.running = exec.Command("node", command, "serve", s.root, "--port", port, "--segment-bytes", "1048576")
	s.running.Stderr = os.Stderr
	out, err := s.running.StdoutPipe()
	if err == nil {
		err = s.running.Start()
	}
	if err != nil {
		panic(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		panic(fmt.Sprintf("keelson serve said %q: is it built? npm run build", line))
	}
	s.address = strings.TrimSpace(line[strings.LastIndex(line, " ")+1:])
}

func (s *server) kill() {
	_ = s.running.Process.Kill()
	_ = s.running.Wait()
}

var names atomic.Int64

// connect opens a log of that server; with no name, a new one.
func (s *server) connect(t testing.TB, name string) *Store {
	t.Helper()
	if name == "" {
		name = fmt.Sprintf("log-%d", names.Add(1))
	}
	store, err := Connect(context.Background(), s.address, Options{
		Name: name, TakeOver: true, Patience: 20 * time.Second,
		Dial: []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())},
	})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// open is a new log, closed behind the test.
func open(t testing.TB) *Store {
	t.Helper()
	store := common.connect(t, "")
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// again closes a store and opens its log anew.
func again(t testing.TB, store *Store) *Store {
	t.Helper()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	next := common.connect(t, store.options.Name)
	t.Cleanup(func() { _ = next.Close() })
	return next
}

// crashed is the log as a process finds it that comes after one which was killed.
func crashed(t testing.TB, store *Store) *Store {
	t.Helper()
	next := common.connect(t, store.options.Name)
	t.Cleanup(func() { _ = next.Close() })
	return next
}
