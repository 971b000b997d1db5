// One server of a replicated counter: hashicorp/raft, whose log, votes and snapshots lie on a log server.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"keelson/examples/go-raft/keelson"
)

func main() {
	id := flag.String("id", "", "which of the members this is")
	members := flag.String("members", "", "all of them: n1=127.0.0.1:7101,n2=..")
	log := flag.String("log", "", "host:port of the log server; the log has the member's name")
	listen := flag.String("http", "", "host:port for clients")
	flag.Parse()
	if err := run(*id, *members, *log, *listen); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(id, members, log, listen string) error {
	// The process before may have been killed, and its session is there still: nobody else is this member.
	starting, done := context.WithTimeout(context.Background(), time.Minute)
	defer done()
	store, err := keelson.Connect(starting, log, keelson.Options{
		Name: id, TakeOver: true,
		Dial: []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())},
	})
	if err != nil {
		return err
	}
	go func() {
		<-store.Lost()
		os.Exit(3)
	}()
	configuration, address := configurationOf(members, id)
	transport, err := raft.NewTCPTransport(string(address), nil, 3, 2*time.Second, os.Stderr)
	if err != nil {
		return err
	}
	config := raft.DefaultConfig()
	config.LocalID = raft.ServerID(id)
	config.Logger = hclog.New(&hclog.LoggerOptions{Name: id, Level: hclog.Info})
	// Small, so that a minute sees snapshots, compaction, and a server that has fallen behind both.
	config.SnapshotThreshold, config.SnapshotInterval, config.TrailingLogs = 30, time.Second, 10
	// Term and first entry are one save, so a crash cannot leave half of it. All members begin with the same.
	err = raft.BootstrapCluster(config, store, store, store, transport, configuration)
	if err != nil && !errors.Is(err, raft.ErrCantBootstrap) {
		return err
	}
	state := &counter{Clients: map[string]uint64{}}
	node, err := raft.NewRaft(config, state, store, store, store, transport)
	if err != nil {
		return err
	}
	server := &http.Server{Addr: listen, Handler: handler(node, state)}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	ending := make(chan os.Signal, 1)
	signal.Notify(ending, syscall.SIGTERM, syscall.SIGINT)
	select {
	case err := <-failed:
		return err
	case <-ending:
		return errors.Join(server.Close(), node.Shutdown().Error(), store.Close())
	}
}

func configurationOf(members, id string) (all raft.Configuration, own raft.ServerAddress) {
	for _, member := range strings.Split(members, ",") {
		name, address, _ := strings.Cut(member, "=")
		server := raft.Server{Suffrage: raft.Voter, ID: raft.ServerID(name), Address: raft.ServerAddress(address)}
		all.Servers = append(all.Servers, server)
		if name == id {
			own = server.Address
		}
	}
	return all, own
}

// handler takes steps (POST /step) and shows the state (GET /state).
func handler(node *raft.Raft, state *counter) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /step", func(w http.ResponseWriter, r *http.Request) {
		var s step
		if err := json.NewDecoder(r.Body).Decode(&s); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		data, _ := json.Marshal(s)
		applied := node.Apply(data, 5*time.Second)
		if err := applied.Error(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, applied.Response())
	})
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
		data, _ := state.encoded()
		w.Header().Set("content-type", "application/json")
		_, _ = w.Write(data)
	})
	return mux
}
