// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hooktop/probes/snap"
)

// stage runs the command line on pipes with backends that record what they were asked.
type stage struct {
	out, err string
	code     int
	got      Options
	asked    string
}

func backends(s *stage) Backends {
	frame := &snap.Frame{Host: "lb-07", At: time.Unix(1, 0), Interfaces: []snap.Interface{{Name: "eth0", Mode: "generic"}}}
	note := func(name string) func(context.Context, Options) error {
		return func(_ context.Context, o Options) error { s.asked, s.got = name, o; return nil }
	}
	return Backends{
		Version:    func() string { return "v1.2.3" },
		Interfaces: func() ([]string, error) { return []string{"lo", "eth0", "eth1", "wg0"}, nil },
		Dashboard:  note("dashboard"),
		Lab:        note("lab"),
		Once: func(_ context.Context, o Options) (Snapshot, error) {
			s.asked, s.got = "once", o
			return Snapshot{Frame: frame}, nil
		},
		Check: func(_ context.Context, o Options) (CheckReport, error) {
			s.asked, s.got = "check", o
			return CheckReport{Features: []Feature{{Name: "tcx", Fix: "Linux 6.6"}},
				Attach: []WouldAttach{{Dev: "eth0", Hook: "xdp generic"}},
				Marks:  []snap.BitOwner{{Mark: 0x4000, Mask: 0x4000, Sets: true, Who: "kube-proxy", From: "netfilter table ip nat sets them"}}}, nil
		},
		Cleanup: func(_ context.Context, all bool) (CleanupReport, error) {
			s.asked = map[bool]string{true: "cleanup all", false: "cleanup"}[all]
			return CleanupReport{}, nil
		},
		Pcap: func(_ context.Context, r io.Reader, _ PcapScene) (PcapReport, error) {
			s.asked = "pcap"
			_, err := io.ReadAll(r)
			return PcapReport{Packets: 1, Verdicts: []PcapVerdict{{N: 1, Verdict: "pass"}}}, err
		},
		Watch:   func(_ context.Context, args []string) error { s.asked = "watch " + strings.Join(args, " "); return nil },
		LabNode: func(_ context.Context, args []string) error { s.asked = "node " + strings.Join(args, " "); return nil },
	}
}

func play(t *testing.T, change func(*Backends), args ...string) *stage {
	t.Helper()
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	return playAt(t, change, args...)
}

func playAt(t *testing.T, change func(*Backends), args ...string) *stage {
	t.Helper()
	s := &stage{}
	b := backends(s)
	if change != nil {
		change(&b)
	}
	outFile, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer outFile.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	var errText bytes.Buffer
	s.code = Main(context.Background(), args, Stdio{In: null, Out: outFile, Err: &errText}, b)
	data, err := os.ReadFile(outFile.Name())
	if err != nil {
		t.Fatal(err)
	}
	s.out, s.err = string(data), errText.String()
	return s
}

func TestExitCodesAndTheOneLine(t *testing.T) {
	fallback := func(b *Backends) {
		b.Once = func(context.Context, Options) (Snapshot, error) {
			return Snapshot{Frame: &snap.Frame{State: snap.State{Fallback: "no CAP_BPF"}}}, nil
		}
	}
	for _, c := range []struct {
		args   string
		change func(*Backends)
		code   int
		asked  string
		words  string // on stderr
	}{
		{args: "--once", asked: "once"},
		{args: "--once --for 250ms -i eth0 -i wg*", asked: "once"},
		{args: "", asked: "once", words: "is not a terminal: printing one snapshot of 3s"},
		{args: "lab --once --json", asked: "lab"},
		{args: "check", asked: "check"},
		{args: "cleanup", asked: "cleanup"},
		{args: "cleanup --all --json", asked: "cleanup all"},
		{args: "version"},
		{args: "watch-run --fd 3 -x", asked: "watch --fd 3 -x"},
		{args: "lab-node host --json", asked: "node host --json"},
		{args: "--once -i eth9", code: ExitFailed, words: `interface "eth9": no such device: did you mean eth0? there is lo, eth0, eth1, wg0`},
		{args: "--once --theme /nowhere/t.toml", code: ExitFailed, words: "/nowhere/t.toml"},
		{args: "--once --theme nosuch", code: ExitFailed, words: `theme "nosuch" is not known`},
		{args: "pcap /nowhere.pcap", code: ExitFailed, words: "pcap /nowhere.pcap: no such file or directory"},
		{args: "pcap /", code: ExitFailed, words: "it is a folder"},
		{args: "--once", change: fallback, code: ExitFallback, words: "nothing could attach, flows came from conntrack and /proc: no CAP_BPF: run hooktop check"},
		{args: "--nosuch", code: ExitUsage, words: "unknown flag: --nosuch: see hooktop --help"},
		{args: "labb", code: ExitUsage, words: `unknown command "labb": did you mean hooktop lab?`},
		{args: "pcap", code: ExitUsage, words: "FILE is missing"},
		{args: "diff a.policy", code: ExitUsage, words: "diff: B is missing"},
		{args: "pcap a b", code: ExitUsage, words: `too many arguments from "b" on`},
		{args: "completion powershell", code: ExitUsage, words: "one of bash, zsh, fish"},
		{args: "man nosuch", code: ExitUsage, words: "unknown command"},
		{args: "--once --mode fast", code: ExitUsage, words: `unknown mode "fast": one of auto, native, generic, tc`},
		{args: "--once --for -3s", code: ExitUsage, words: "--for: -3s is out of range"},
		{args: "--for 3s", code: ExitUsage, words: "add --once"},
		{args: "--once --hz 99", code: ExitUsage, words: "--hz: 99 is out of range"},
		{args: "--once --flows -1", code: ExitUsage, words: "--flows"},
		{args: "--once --flows many", code: ExitUsage, words: "--flows"},
		{args: "--once --interface=", code: ExitUsage, words: "--interface is empty"},
	} {
		t.Run(c.args, func(t *testing.T) {
			s := play(t, c.change, strings.Fields(c.args)...)
			if s.code != c.code || s.asked != c.asked && c.change == nil || !strings.Contains(s.err, c.words) {
				t.Errorf("code %d, asked %q, stderr %q; want %d, %q, %q", s.code, s.asked, s.err, c.code, c.asked, c.words)
			}
			if strings.Count(s.err, "\n") > 1 || c.code != 0 && !strings.HasPrefix(s.err, "hooktop: ") {
				t.Errorf("stderr is not one line: %q", s.err)
			}
			if c.code != 0 && c.change == nil && s.out != "" {
				t.Errorf("stdout of a failure: %q", s.out)
			}
		})
	}
}

func TestErrorsOfBackendsAreOneLine(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		line string
	}{
		{errors.New("attach eth0:\n\tpermission denied"), ExitFailed, "hooktop: attach eth0: permission denied\n"},
		{&Error{Code: ExitUsage, Err: errors.New("a"), Fix: "b"}, ExitUsage, "hooktop: a: b\n"},
		{&Error{Code: 3}, ExitFallback, ""},
		{context.Canceled, ExitFailed, "hooktop: interrupted\n"},
		{ErrNothingAttached, ExitFallback, "hooktop: nothing could attach, flows came from conntrack and /proc\n"},
		{errors.New("name \x1b[2J"), ExitFailed, "hooktop: name \\x1b[2J\n"},
	} {
		s := play(t, func(b *Backends) { b.Lab = func(context.Context, Options) error { return c.err } }, "lab", "--once")
		if s.code != c.code || s.err != c.line {
			t.Errorf("%v: code %d, stderr %q; want %d, %q", c.err, s.code, s.err, c.code, c.line)
		}
	}
}

func TestArgsLeadToTheSameOptions(t *testing.T) {
	want := Options{Interfaces: []string{"eth0", "wg*"}, Mode: "native", Flows: 1000, AccessAgents: []string{"teleport"},
		NoTCX: true, Once: true, For: 1500 * time.Millisecond, JSON: true,
		Screen: Screen{Theme: "light", ASCII: true, Mouse: true, Reduced: true, Comfortable: true, Paint: true, Hz: 0.5}}
	s := play(t, nil, want.Args()...)
	if s.code != 0 || len(s.got.Args()) == 0 || !slices.Equal(s.got.Args(), want.Args()) {
		t.Errorf("code %d, stderr %q\n got %v\nwant %v", s.code, s.err, s.got.Args(), want.Args())
	}
}

func TestManAndCompletionComeFromTheDefinitions(t *testing.T) {
	for _, args := range [][]string{{"completion", "bash"}, {"completion", "zsh"}, {"completion", "fish"}, {"man"}, {"man", "lab"},
		{"man", "pcap"}, {"--help"}, {"lab", "--help"}} {
		s := play(t, nil, args...)
		if s.code != 0 || s.err != "" || !strings.Contains(s.out, "hooktop") {
			t.Errorf("%v: code %d, stderr %q, %d bytes", args, s.code, s.err, len(s.out))
		}
		for _, hidden := range []string{"watch-run", "lab-node", "no-tcx"} {
			if strings.Contains(s.out, hidden) && args[0] != "completion" {
				t.Errorf("%v shows %s", args, hidden)
			}
		}
	}
	page := play(t, nil, "man").out
	for _, want := range []string{`\fB--for\fP=\fItime\fP`, `\fB-i\fP, \fB--interface\fP=\fIdevice\fP`, "\\fB--once\\fP\n"} {
		if !strings.Contains(page, want) {
			t.Errorf("the man page has no %q", want)
		}
	}
	for _, zero := range []string{"=0s", "=[]", "[=false]", `=""`} { // no flag's default is what cobra would print
		if strings.Contains(page, zero) {
			t.Errorf("the man page shows %s as a default", zero)
		}
	}
	s := play(t, nil, "__complete", "--interface", "")
	if !strings.Contains(s.out, "wg0") {
		t.Errorf("completion of -i: %q", s.out)
	}
	s = play(t, nil, "__complete", "lab", "--mode", "")
	if !strings.Contains(s.out, "generic") {
		t.Errorf("completion of --mode: %q", s.out)
	}
}
