// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	// quiet is how long nothing may move before all is taken as delivered: longer than a delayed ACK (200 ms).
	quiet     = 250 * time.Millisecond
	lookEvery = 10 * time.Millisecond
	// settleLooks bounds the wait for it, to some 5 s. A machine that stands still does so within one look.
	settleLooks = 500
)

// settle waits until no frame passes the host's devices any more and no CPU has received frames left to work on.
func (l *Lab) settle(ctx context.Context) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	last, since := uint64(0), time.Now()
	for range settleLooks {
		moved, err := l.frames()
		if err != nil {
			return err
		}
		waiting, err := backlog()
		if err != nil {
			return err
		}
		// The backlog is the machine's: strangers' frames in it only delay the end up to settleLooks.
		if moved != last {
			last, since = moved, time.Now()
		}
		if time.Since(since) >= quiet && waiting == 0 {
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("stop the lab: wait until its frames are delivered: %w", ctx.Err())
		}
	}
	if time.Since(since) >= quiet {
		return nil
	}
	return fmt.Errorf("stop the lab: frames still pass its devices %s after the senders ended", settleLooks*lookEvery)
}

// frames counts what passed the host's devices so far.
func (l *Lab) frames() (uint64, error) {
	links, err := l.host.Links()
	if err != nil {
		return 0, err
	}
	var n uint64
	for _, k := range links {
		// What goes to the firewall and back has come in on another device; and there the firewall is asked whether it is alive.
		if !k.Loopback && k.Name != FWTo && k.Name != FWBack {
			n += k.RxPackets + k.TxPackets
		}
	}
	return n, nil
}

// backlogColumn of /proc/net/softnet_stat: packets in the CPU's input queues (since 5.10).
const backlogColumn = 11

// backlog counts the received packets that wait for the kernel's attention, on all CPUs.
func backlog() (uint64, error) {
	f, err := os.Open("/proc/net/softnet_stat")
	if err != nil {
		return 0, fmt.Errorf("read the receive backlog: %w", err)
	}
	defer f.Close()
	var n uint64
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		columns := strings.Fields(lines.Text())
		if len(columns) <= backlogColumn {
			continue
		}
		waiting, err := strconv.ParseUint(columns[backlogColumn], 16, 64)
		if err != nil {
			return 0, fmt.Errorf("read the receive backlog: %w", err)
		}
		n += waiting
	}
	return n, lines.Err()
}
