// SPDX-License-Identifier: Apache-2.0

package probes

import (
	"context"
	"errors"
	"sync"

	"hooktop/probes/snap"
)

// ErrEnded is what Next returns when the engine has ended and its last frame was seen.
var ErrEnded = errors.New("the engine has ended")

// mailbox holds the newest frame. Putting never waits; any number of readers may wait.
type mailbox struct {
	mu    sync.Mutex
	frame *snap.Frame
	fresh chan struct{} // closed when frame is replaced or the mailbox ends
	ended bool
}

func newMailbox() *mailbox { return &mailbox{fresh: make(chan struct{})} }

func (m *mailbox) put(f *snap.Frame) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended {
		return
	}
	m.frame = f
	close(m.fresh)
	m.fresh = make(chan struct{})
}

func (m *mailbox) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.ended {
		m.ended = true
		close(m.fresh)
	}
}

// next returns the newest frame once it is newer than seq.
func (m *mailbox) next(ctx context.Context, seq uint64) (*snap.Frame, error) {
	for {
		m.mu.Lock()
		f, fresh, ended := m.frame, m.fresh, m.ended
		m.mu.Unlock()
		switch {
		case f != nil && f.Seq > seq:
			return f, nil
		case ended:
			return nil, ErrEnded
		}
		select {
		case <-fresh:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
