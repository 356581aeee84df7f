// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// asIf is this host's kernel as if it had kprobes, with its symbols for a list of what can be attached to.
func asIf(t testing.TB) *Catalog {
	t.Helper()
	h := &host{t: t, root: t.TempDir()}
	h.write("/sys/bus/event_source/devices/kprobe/type", "8\n")
	for _, name := range []string{"/sys/kernel/btf", "/proc/kallsyms"} {
		path := filepath.Join(h.root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(name, path); err != nil {
			t.Fatal(err)
		}
	}
	return h.load()
}

func TestThisKernel(t *testing.T) {
	c, err := Load(Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v, lacks %q, notes %q", c.Count(), c.Lacks(), c.Notes())
	if c.Lacks() != "" && c.Count().Functions != 0 || c.Lacks() == "" && c.Count().Packet < 1000 {
		t.Errorf("%+v can be traced, and it lacks %q", c.Count(), c.Lacks())
	}
	if f, ok := c.Lookup("tcp_v4_rcv"); !ok || f.SKB != 0 || f.Signature != "int tcp_v4_rcv(struct sk_buff *skb)" {
		t.Errorf("tcp_v4_rcv is %+v", f)
	}
	packet := 0
	for i := range c.entries {
		if e := &c.entries[i]; !e.event && e.skb >= 0 {
			packet++
		}
	}
	if packet < 1000 {
		t.Errorf("%d functions take an sk_buff", packet)
	}
	var reasons []string
	for code := range uint32(200) {
		reasons = append(reasons, c.DropReason(code))
	}
	blob, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		t.Fatal(err)
	}
	tells := bytes.Contains(blob, []byte("\x00skb_drop_reason\x00")) // Linux 5.17 and later
	if all := " " + strings.Join(reasons, " ") + " "; strings.Contains(all, " NO_SOCKET ") != tells || strings.Contains(all, "SKB_DROP_REASON_") {
		t.Errorf("drop reasons are %s", all)
	}
	events, err := c.Match("skb:kfree_skb,tcp:tcp_retransmit_skb,net:*", 100)
	if err != nil || len(events) < 5 {
		t.Errorf("events %q: %v", names(events), err)
	}
	for _, f := range events {
		if f.SKB < 0 && (f.Name == "skb:kfree_skb" || f.Name == "tcp:tcp_retransmit_skb") || !f.Event || f.ID == 0 {
			t.Errorf("%+v", f)
		}
	}
}

// What was mounted in order to read is gone, and nobody else has seen it.
func TestLoadLeavesNothingMounted(t *testing.T) {
	state := func() (mounts string, files int) {
		text, err := os.ReadFile("/proc/self/mountinfo")
		if err != nil {
			t.Fatal(err)
		}
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return string(text), len(open)
	}
	mounts, files := state()
	if _, err := Load(Options{}); err != nil {
		t.Fatal(err)
	}
	if m, f := state(); m != mounts || f != files {
		t.Errorf("%d files are open, were %d; mounts are\n%s\nwere\n%s", f, files, m, mounts)
	}
}

func TestThisKernelAsIfItHadKprobes(t *testing.T) {
	c := asIf(t)
	t.Logf("%+v", c.Count())
	if n := c.Count(); n.Functions < 20_000 || n.Packet < 1000 {
		t.Fatalf("%+v can be traced", n)
	}
	for name, skb := range map[string]int{"tcp_v4_rcv": 0, "ip_rcv": 0, "tcp_v4_connect": -1, "dev_hard_start_xmit": 0} {
		if f, err := c.Match(name, 1); err != nil || f[0].SKB != skb {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	for text, want := range map[string]string{"tcp_v4_rcv": "tcp_v4_rcv", "tcpv4rcv": "tcp_v4_rcv", "ip rcv": "ip_rcv", "kfree_skb": "skb:kfree_skb"} {
		if found, total := c.Search(text, 5); total == 0 || !strings.Contains(names(found)+" ", want+" ") {
			t.Errorf("%q finds %q of %d, want %s among them", text, names(found), total, want)
		}
	}
	if _, err := c.Match("*", 5000); err == nil || !strings.Contains(err.Error(), "functions, at most 5 000 at once") {
		t.Errorf("all functions: %v", err)
	}
	if _, err := c.Match("tcp_v4_recv", 5000); err == nil || !strings.Contains(err.Error(), "did you mean tcp_v4_rcv") {
		t.Errorf("a typo: %v", err)
	}
	if name, _ := c.Symbol(^uint64(0)); name != "" {
		t.Errorf("the last address is in %s", name)
	}
}

// A key press in the picker must not make garbage by the number of functions.
func TestSearchAllocatesForItsAnswerOnly(t *testing.T) {
	c := asIf(t)
	for _, text := range []string{"", "t", "tcp", "tcp rcv", "zork", "tcp_*"} {
		if n := testing.AllocsPerRun(5, func() { c.Search(text, 20) }); n > 20*25 {
			t.Errorf("a search for %q allocates %v times", text, n)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoadAsIf(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		asIf(b)
	}
}

func BenchmarkSearch(b *testing.B) {
	c := asIf(b)
	for _, text := range []string{"", "t", "tcp", "tcp rcv", "nfhookslow", "tcp_*"} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Search(text, 50)
			}
		})
	}
}

func BenchmarkNearest(b *testing.B) {
	c := asIf(b)
	b.ReportAllocs()
	for b.Loop() {
		c.Nearest("tcp_v4_recv", 3)
	}
}

func BenchmarkMatch(b *testing.B) {
	c := asIf(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Match("tcp_*,!tcp_ack", 5000); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSymbols(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		loadSymbols("/proc/kallsyms")
	}
}
