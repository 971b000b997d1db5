package main

import (
	"encoding/json"
	"io"
	"sync"

	"github.com/hashicorp/raft"
)

// step is one command: the seq-th of a client, which sends the next when it was told of this one.
type step struct {
	Client string `json:"client"`
	Seq    uint64 `json:"seq"`
}

// counter is the replicated state: how many steps were taken, and the newest of each client. A step that comes again is not
// taken again. One that leaves a gap tells that an acknowledged one was lost, and is counted for ever.
type counter struct {
	mu      sync.Mutex
	Count   uint64            `json:"count"`
	Lost    uint64            `json:"lost"`
	Clients map[string]uint64 `json:"clients"`
}

// Apply answers with the newest step of its client.
func (c *counter) Apply(log *raft.Log) any {
	var s step
	if err := json.Unmarshal(log.Data, &s); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	newest := c.Clients[s.Client]
	if s.Seq <= newest {
		return newest
	}
	c.Lost += s.Seq - newest - 1
	c.Count++
	c.Clients[s.Client] = s.Seq
	return s.Seq
}

func (c *counter) encoded() ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return json.Marshal(c)
}

func (c *counter) Snapshot() (raft.FSMSnapshot, error) {
	data, err := c.encoded()
	return snapshot(data), err
}

func (c *counter) Restore(data io.ReadCloser) error {
	defer data.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Count, c.Lost, c.Clients = 0, 0, map[string]uint64{}
	return json.NewDecoder(data).Decode(c)
}

type snapshot []byte

func (s snapshot) Persist(sink raft.SnapshotSink) error {
	if _, err := sink.Write(s); err != nil {
		_ = sink.Cancel()
		return err
	}
	return sink.Close()
}

func (s snapshot) Release() {}
