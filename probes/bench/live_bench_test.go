// SPDX-License-Identifier: Apache-2.0

//go:build bench

package bench

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"

	"hooktop/bpf/kern"
	"hooktop/netcfg/acl/compile"
	"hooktop/probes/ktest"
)

// The ground of all live comparisons: a sender and, for each competitor, a host of its own behind a veth of its own, named
// alike. The kernel makes frames with a BPF program and sends them through the veth; sender and receiver share one CPU, so that
// what a round takes is the sum of both, and what the competitors add to it is theirs alone.

const (
	liveHere   = "192.0.2.2" // of each host
	livePeer   = "192.0.2.1" // the sender, as the hosts take it
	liveRuns   = 200_000
	liveWarmup = 20_000
)

// hostMAC is of each host's device, so that one frame is for all.
var hostMAC = [6]byte{2, 0, 0, 0, 0, 2}

// competitor is one host and what it does with frames.
type competitor struct {
	name string
	*ktest.NS
	index  int // of the sender's end of the veth
	runs   int // frames a round, after some more that nobody times
	warmup int
	sent   int
	ns     []float64 // a frame, by round
}

// arena is the sender and its competitors.
type arena struct {
	t      *testing.T
	from   *ktest.NS
	all    []*competitor
	sender *ebpf.Program
	frame  []byte
}

func newArena(t *testing.T, sender *ebpf.Program, frame []byte) *arena {
	t.Helper()
	return &arena{t: t, from: ktest.NewNS(t), sender: sender, frame: frame}
}

// add makes the host of a competitor, which setup then makes it.
func (a *arena) add(name string, setup func(*competitor)) *competitor {
	a.t.Helper()
	c := &competitor{name: name, NS: ktest.NewNS(a.t), runs: liveRuns, warmup: liveWarmup}
	out := fmt.Sprintf("s%d", len(a.all))
	ktest.Veth(a.t, a.from, out, c.NS, "r0")
	c.setMAC(a.t, "r0", hostMAC)
	c.Sysctl(a.t, "ipv6/conf/r0/disable_ipv6", "1")
	c.Addr(a.t, "r0", liveHere+"/24")
	c.Route(a.t, "10.0.0.0/8", livePeer)
	c.GROOn(a.t, "r0")
	c.index = a.from.Index(a.t, out)
	a.all = append(a.all, c)
	if setup != nil {
		setup(c)
	}
	return c
}

func (c *competitor) setMAC(t *testing.T, dev string, mac [6]byte) {
	t.Helper()
	if err := c.NL.LinkSetHardwareAddr(c.Link(t, dev), mac[:]); err != nil {
		t.Fatalf("set address of %s: %v", dev, err)
	}
}

// race lets all take their turn, round after round.
func (a *arena) race(rounds int) {
	a.t.Helper()
	a.from.Do(a.t, func() error {
		if _, err := toOneCPU(); err != nil { // of a thread that ends with this
			return err
		}
		if err := blockSignals(); err != nil {
			return err
		}
		for _, c := range a.all {
			if _, err := a.send(c, c.warmup); err != nil {
				return err
			}
		}
		for range rounds {
			for _, c := range a.all {
				took, err := a.send(c, c.runs)
				if err != nil {
					return err
				}
				c.ns = append(c.ns, took)
			}
		}
		return nil
	})
}

// blockSignals keeps the runtime's from the calling thread: they would end a run in its middle.
func blockSignals() error {
	var all unix.Sigset_t
	for i := range all.Val {
		all.Val[i] = ^uint64(0)
	}
	return unix.PthreadSigmask(unix.SIG_SETMASK, &all, nil)
}

// send has the kernel send frames to one competitor and returns ns a frame. It is called in the sender's namespace.
func (a *arena) send(c *competitor, n int) (float64, error) {
	took, err := liveFrames(a.sender, a.frame, c.index, n)
	if err != nil {
		return 0, fmt.Errorf("send %d frames to %s: %w", n, c.name, err)
	}
	c.sent += n
	return took, nil
}

const liveFramesFlag = 2 // BPF_F_TEST_XDP_LIVE_FRAMES

// liveFrames is BPF_PROG_TEST_RUN with frames that are really sent: cilium/ebpf tells no time of such a run.
func liveFrames(p *ebpf.Program, frame []byte, ifindex, n int) (float64, error) {
	var ctx [6]uint32 // struct xdp_md
	ctx[1], ctx[3] = uint32(len(frame)), uint32(ifindex)
	attr := struct {
		fd, ret, sizeIn, sizeOut             uint32
		in, out                              uint64
		repeat, duration, ctxSizeIn, ctxSize uint32
		ctxIn, ctxOut                        uint64
		flags, cpu, batch                    uint32
	}{fd: uint32(p.FD()), sizeIn: uint32(len(frame)), in: address(&frame[0]), repeat: uint32(n), ctxSizeIn: uint32(unsafe.Sizeof(ctx)),
		ctxIn: address(&ctx[0]), flags: liveFramesFlag}
	const run, size = 10, 76 // BPF_PROG_TEST_RUN; the struct without its padding
	_, _, e := unix.Syscall(unix.SYS_BPF, run, uintptr(unsafe.Pointer(&attr)), size)
	runtime.KeepAlive(frame)
	runtime.KeepAlive(&ctx)
	if e != 0 {
		return 0, e
	}
	return float64(attr.duration) + 0.5, nil
}

func address[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

// nft gives a host rules.
func (c *competitor) nft(t *testing.T, rules string) { c.feed(t, rules, "nft", "-f", "-") }

// feed runs a command on the host with an input, and returns what it said.
func (c *competitor) feed(t *testing.T, input, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(input)
	var said []byte
	c.Do(t, func() (err error) {
		if said, err = cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s for %s: %w: %.300s", name, c.name, err, said)
		}
		return nil
	})
	return string(said)
}

// counted fails unless the host's nftables rules with a counter met the frames: a competitor that frames do not reach is fast. What the
// kernel sends by itself when a device comes up is met too.
func (c *competitor) counted(t *testing.T) {
	t.Helper()
	n := 0
	for _, m := range regexp.MustCompile(`packets (\d+)`).FindAllStringSubmatch(c.feed(t, "", "nft", "list", "ruleset"), -1) {
		k, _ := strconv.Atoi(m[1])
		n += k
	}
	if off := n - c.sent; off > c.sent/1000 || -off > c.sent/1000 {
		t.Errorf("%s: its rules met %d of %d frames", c.name, n, c.sent)
	}
}

// attach puts a program of the benchmark's own onto the host's device.
func (c *competitor) attach(t *testing.T, p *ebpf.Program) { c.attachBy(t, p, kern.XDPNative) }

// attachBy is attach by any hook.
func (c *competitor) attachBy(t *testing.T, p *ebpf.Program, h kern.Hook) {
	t.Helper()
	c.Do(t, func() (err error) {
		var l link.Link
		switch index := c.Index(t, "r0"); h {
		case kern.TCIngress:
			l, err = link.AttachTCX(link.TCXOptions{Program: p, Interface: index, Attach: ebpf.AttachTCXIngress})
		case kern.XDPGeneric:
			l, err = link.AttachXDP(link.XDPOptions{Program: p, Interface: index, Flags: link.XDPGenericMode})
		default:
			l, err = link.AttachXDP(link.XDPOptions{Program: p, Interface: index, Flags: link.XDPDriverMode})
		}
		if err != nil {
			return fmt.Errorf("attach to %s: %w", c.name, err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return nil
	})
}

// plant is hooktop's data plane with one policy.
type plant struct {
	*kern.Pipeline
	gen   uint32
	slots uint16
}

// newPlant has the policy in force until the test ends.
func newPlant(t *testing.T, text string) *plant {
	t.Helper()
	p, err := kern.Open(kern.Options{})
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	out := &plant{Pipeline: p}
	a := parsed(t, text)
	img, err := compile.Compile(&a, compile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if out.gen, err = p.WritePolicy(img); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.TryPolicy(out.gen, nil, time.Hour), p.KeepPolicy(out.gen)); err != nil {
		t.Fatal(err)
	}
	return out
}

// attach puts hooktop onto the host's device, by one hook.
func (p *plant) attach(t *testing.T, c *competitor, h kern.Hook) {
	t.Helper()
	p.slots++
	d := kern.Device{Index: c.Index(t, "r0"), Name: "r0", Slot: p.slots}
	c.Do(t, func() (err error) {
		if h == kern.TCIngress {
			_, err = p.AttachTCX(d, h)
		} else {
			_, err = p.AttachXDP(d, h == kern.XDPNative)
		}
		return err
	})
}
