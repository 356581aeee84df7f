// SPDX-License-Identifier: Apache-2.0

package enforce

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hooktop/bpf/kern"
	"hooktop/netcfg/nl"
	"hooktop/netcfg/steer"
	"hooktop/probes"
	"hooktop/probes/ktest"
	"hooktop/probes/snap"
)

// bench is an engine in a namespace of its own with a desk at the other end of v0.
type bench struct {
	t    *testing.T
	here *ktest.NS
	desk *ktest.NS
	e    *probes.Engine
	host *nl.Host
	s    *Service
	done chan error
	ctx  context.Context
	seq  uint64
	mode string
}

func newBench(t *testing.T, o Options, more ...func(*probes.Config)) *bench {
	b := newQuietBench(t)
	b.run(o, onKern, more...)
	return b
}

func onKern(s *Service) probes.Policy { return OnKern{s} }

// newBenchWith puts something between the engine and the service.
func newBenchWith(t *testing.T, o Options, between func(*Service) probes.Policy) *bench {
	b := newQuietBench(t)
	b.run(o, between)
	return b
}

// newQuietBench is one whose engine does not run yet.
func newQuietBench(t *testing.T) *bench {
	b := &bench{t: t, desk: ktest.NewNS(t), done: make(chan error, 1), ctx: t.Context(), here: ktest.OpenNS(t, "/proc/self/ns/net")}
	b.join("v0", "10.9.0")
	return b
}

// run starts the engine.
func (b *bench) run(o Options, between func(*Service) probes.Policy, more ...func(*probes.Config)) {
	t := b.t
	t.Helper()
	host, err := nl.Open()
	if err != nil {
		t.Fatal(err)
	}
	o.Standing = host.Standing
	if o.Lease == 0 {
		o.Lease = MaxLease // no test of a bench waits for its end, and each must act before
	}
	if b.s, err = New(o); err != nil {
		t.Fatal(err)
	}
	b.host = host
	b.s.SteerBy(steer.New(host, b, func(sev snap.Severity, text string) { b.e.Tell(sev, "chain", text) }))
	cfg := probes.Config{Interfaces: []string{"v*"}, NoTrace: true, Hz: 10, Mode: b.mode, Policy: between(b.s)}
	for _, f := range more {
		f(&cfg)
	}
	b.e = probes.New(cfg, host)
	b.e.Ask(snap.Query{Tab: snap.ACLTab, Focus: true, Hz: 10, Flows: snap.FlowQuery{Limit: 100}})
	go func() { b.done <- b.e.Run(context.Background()) }()
	t.Cleanup(func() {
		for _, st := range b.e.Close() {
			if st.Outcome != snap.Detached {
				t.Errorf("left: %+v", st)
			}
		}
		if err := <-b.done; err != nil {
			t.Error(err)
		}
		host.Close()
	})
	if _, err := b.e.Started(b.ctx); err != nil {
		t.Fatal(err)
	}
	<-b.s.Looked()
}

// A bench is killed by nobody: what is made is taken back, and the state of the namespace shows it.
func (b *bench) IntendSteering(int) error { return nil }
func (b *bench) DoneSteering(int)         {}

// join adds a pair of devices with addresses net.1 here and net.2 at the desk.
func (b *bench) join(dev, network string) {
	b.t.Helper()
	ktest.Veth(b.t, b.here, dev, b.desk, dev)
	b.here.Addr(b.t, dev, network+".1/24")
	b.desk.Addr(b.t, dev, network+".2/24")
}

// wait takes frames until one is as it should be.
func (b *bench) wait(what string, ok func(*snap.Frame) bool) *snap.Frame {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	var last *snap.Frame
	for n := 0; ; n++ {
		f, err := b.e.Next(ctx, b.seq)
		if err == nil {
			b.seq, last = f.Seq, f
			if ok(f) {
				return f
			}
			err = ctx.Err() // frames go on, and what is tried with each takes its time
		}
		if err != nil {
			b.show(last)
			b.t.Fatalf("wait for %s: %v after %d frames", what, err, n)
		}
	}
}

// show logs what a frame says that was not as it should be.
func (b *bench) show(f *snap.Frame) {
	b.t.Helper()
	if f == nil {
		return
	}
	p := &f.Policy
	b.t.Logf("v%d on trial for %s, v%d kept, on %+v", p.Trial.Gen, p.Trial.Lease, p.Kept, p.Devices)
	for _, r := range p.Rules {
		b.t.Logf("rule of line %d: %+v", r.Line, r.Hits)
	}
	for _, r := range f.Flows.Rows {
		b.t.Logf("flow %+v: %d packets, rule %d: %s, gone %s", r.Key, r.Packets, r.Rule, r.Verdict, r.Gone)
	}
}

func (b *bench) do(in snap.Intent) snap.Answer {
	b.t.Helper()
	a := b.e.Do(b.ctx, in)
	if a.Err != "" {
		b.t.Fatalf("%s: %s", in.Kind, a.Err)
	}
	return a
}

func (b *bench) trial(text string) {
	b.t.Helper()
	base := b.wait("a frame", func(*snap.Frame) bool { return true }).Policy.Kept
	b.do(snap.Intent{Kind: snap.StagePolicy, Policy: snap.PolicyWish{Seq: 1, Text: text, Base: base}})
	b.do(snap.Intent{Kind: snap.CommitPolicy, Policy: snap.PolicyWish{Seq: 1, Base: base, Host: b.s.opt.Host}})
}

// talk sends datagrams from the desk to a port here.
func (b *bench) talk(addr string, n int) {
	b.t.Helper()
	b.desk.Do(b.t, func() error {
		c, err := net.Dial("udp4", addr)
		if err != nil {
			return err
		}
		defer c.Close()
		for range n {
			if _, err := c.Write([]byte("hello")); err != nil {
				return err
			}
		}
		return nil
	})
}

// clock reads the clock that leases end by: that of this process is ahead of it while a processor stands still.
func (b *bench) clock() kern.Clock {
	b.s.mu.Lock()
	defer b.s.mu.Unlock()
	return b.s.plane.(*kernPlane).p.Clock()
}

// listen takes datagrams.
func (b *bench) listen(addr string) *net.UDPConn {
	b.t.Helper()
	a, err := net.ResolveUDPAddr("udp4", addr)
	if err != nil {
		b.t.Fatal(err)
	}
	c, err := net.ListenUDP("udp4", a)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Close() })
	return c
}

func TestPolicyInTheKernel(t *testing.T) {
	if !ktest.Inside(t) {
		return
	}
	dir := t.TempDir()
	b := newBench(t, Options{Audit: filepath.Join(dir, "audit"), Door: filepath.Join(dir, "door"), Draft: filepath.Join(dir, "draft")})
	b.listen("0.0.0.0:4000")
	b.listen("0.0.0.0:4001")
	b.talk("10.9.0.1:4000", 5)
	b.talk("10.9.0.1:4001", 5)
	b.wait("two flows", func(f *snap.Frame) bool { return len(f.Flows.Rows) >= 2 })

	text := "allow in udp to any port 4001\ndeny  in udp to any port 4000\ndeny  in udp dev v1\n"
	b.do(snap.Intent{Kind: snap.StagePolicy, Policy: snap.PolicyWish{Seq: 7, Text: text}})
	d := b.wait("the draft", func(f *snap.Frame) bool { return f.Policy.Draft.Seq == 7 && f.Policy.Draft.Checked }).Policy.Draft
	if len(d.Errors) > 0 || d.Impact.Dropped != 1 || d.Impact.Allowed != 0 {
		t.Fatalf("the dry run: %+v", d)
	}
	if d.PriceNs[0] <= 0 || d.PriceNs[1] <= 0 { // which is more is a matter of times
		t.Errorf("a packet costs %.0f ns now and %.0f after: %q", d.PriceNs[0], d.PriceNs[1], d.Remarks)
	}
	if c := d.Impact.Flows[0]; c.Key.DPort != 4000 || c.Was != "allow by default" || c.Is != "deny by line 2" {
		t.Fatalf("the flow: %+v", c)
	}
	b.do(snap.Intent{Kind: snap.CommitPolicy, Policy: snap.PolicyWish{Seq: 7, Host: b.s.opt.Host}})
	b.talk("10.9.0.1:4000", 30)
	b.talk("10.9.0.1:4001", 20)
	f := b.wait("counters", func(f *snap.Frame) bool {
		return len(f.Policy.Rules) == 3 && f.Policy.Rules[1].Packets == 30 && f.Policy.Rules[0].Packets == 20
	})
	if p := f.Policy; p.Trial.Gen == 0 || p.Trial.Lease <= 0 || len(p.Devices) != 1 || p.Devices[0].Gen != p.Trial.Gen {
		t.Fatalf("on trial: %+v %+v", p.Trial, p.Devices)
	}
	rows := b.wait("rows with their rules", func(f *snap.Frame) bool {
		seen := 0
		for _, row := range f.Flows.Rows {
			pass := row.Key.DPort == 4001 && row.Rule == 1 && row.Verdict == "pass"
			drop := row.Key.DPort == 4000 && row.Rule == 2 && row.Verdict == "drop" && row.Packets == 30
			if pass || drop {
				seen++
			}
		}
		return seen == 2
	})
	if d := rows.Interfaces[0]; d.InPackets < 60 {
		t.Fatalf("the device counts %d packets in, 60 came", d.InPackets)
	}
	if _, err := Knock(b.ctx, b.s.opt.Door, f.Policy.Trial.Code); err != nil {
		t.Fatal(err)
	}
	kept := b.wait("the kept policy", func(f *snap.Frame) bool { return f.Policy.Kept != 0 && f.Policy.Trial.Gen == 0 })

	// A device that comes later is judged by the policy, its name among the rules.
	b.join("v1", "10.9.1")
	b.wait("the new device", func(f *snap.Frame) bool {
		return len(f.Policy.Devices) == 2 && f.Policy.Devices[1].Gen == kept.Policy.Kept
	})
	b.wait("a rule for it that counts", func(f *snap.Frame) bool {
		b.talk("10.9.1.1:4009", 1)
		return f.Policy.Rules[2].Packets > 0
	})
	if p := b.wait("counters", func(*snap.Frame) bool { return true }).Policy; p.Rules[1].Packets != 30 || p.Kept != kept.Policy.Kept {
		t.Fatalf("after the device came: %+v", p.Rules)
	}
	b.editAndRestore(text, kept.Policy.Kept)
}

// editAndRestore puts an edited policy on trial and takes it back.
func (b *bench) editAndRestore(text string, kept uint32) {
	b.t.Helper()
	// An edit in place goes on counting; restoring it changes nothing of what was kept.
	b.trial(strings.Replace(text, "4000", "4000,4002", 1))
	b.talk("10.9.0.1:4002", 3)
	b.wait("the edited rule", func(f *snap.Frame) bool { return f.Policy.Rules[1].Packets == 33 })

	// What comes during a trial is judged by it, and changes nothing about the lease.
	before := b.wait("the lease", func(f *snap.Frame) bool { return f.Policy.Trial.Gen != 0 }).Policy.Trial
	began := b.clock()
	b.join("v2", "10.9.2")
	b.wait("a third device", func(f *snap.Frame) bool {
		return len(f.Policy.Devices) == 3 && f.Policy.Devices[2].Gen == f.Policy.Trial.Gen
	})
	gone := b.clock().Ago(began.Jiffies)
	f, err := b.e.Snapshot(b.ctx, snap.Query{}) // which looks at the lease once more
	if err != nil {
		b.t.Fatal(err)
	}
	if after := f.Policy.Trial; after.Gen != before.Gen || after.Lease > before.Lease-gone {
		b.t.Errorf("the lease of v%d was %s, and v%d's is %s at least %s later", before.Gen, before.Lease, after.Gen, after.Lease, gone)
	}
	b.do(snap.Intent{Kind: snap.RestorePolicy})
	b.wait("what was kept", func(f *snap.Frame) bool {
		return f.Policy.Trial.Gen == 0 && f.Policy.Devices[0].Gen == kept && f.Policy.Devices[0].Lease == 0
	})
}
